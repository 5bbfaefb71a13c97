#include "jpeg_shim.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "jpeg_decoder.h"
#include "codes/huffman.h"

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

static void fail(j_common_ptr common, enum shim_status status) {
    shim_decoder *decoder = (shim_decoder *)common->client_data;
    decoder->status = status;
    longjmp(decoder->on_error, 1);
}

static void on_error_exit(j_common_ptr common) {
    shim_decoder *decoder = (shim_decoder *)common->client_data;
    common->err->format_message(common, decoder->message);
    fail(common, common->err->msg_code == JERR_OUT_OF_MEMORY ? SHIM_MEMORY : SHIM_CORRUPT);
}

/* Warnings are counted and not shown: a damaged but complete stream gives its pixels. */
static void on_output_message(j_common_ptr common) { (void)common; }

static void on_progress(j_common_ptr common) {
    shim_decoder *decoder = (shim_decoder *)common->client_data;
    if (__atomic_load_n(decoder->cancel, __ATOMIC_RELAXED)) {
        fail(common, SHIM_CANCELLED);
    }
    if ((uint32_t)decoder->info.input_scan_number > decoder->max_scans) {
        fail(common, SHIM_SCANS);
    }
}

/* The source holds the whole file, so that an empty buffer is the end: suspend, never invent an
 * end-of-image marker. */
static void source_nothing(j_decompress_ptr info) { (void)info; }

static boolean source_fill(j_decompress_ptr info) {
    (void)info;
    return FALSE;
}

static void source_skip(j_decompress_ptr info, long count) {
    struct jpeg_source_mgr *source = info->src;
    if (count <= 0) {
        return;
    }
    size_t step = (size_t)count;
    if (step > source->bytes_in_buffer) {
        step = source->bytes_in_buffer;
    }
    source->next_input_byte += step;
    source->bytes_in_buffer -= step;
}

static int create(shim_decoder *decoder) {
    if (setjmp(decoder->on_error)) {
        return 0;
    }
    jpeg_create_decompress(&decoder->info);
    return 1;
}

shim_decoder *shim_open(const uint8_t *data, size_t length, const uint8_t *cancel,
                        uint32_t max_scans) {
    shim_decoder *decoder = calloc(1, sizeof(*decoder));
    if (decoder == NULL) {
        return NULL;
    }
    decoder->cancel = cancel;
    decoder->max_scans = max_scans;
    decoder->info.err = jpeg_std_error(&decoder->errors);
    decoder->errors.error_exit = on_error_exit;
    decoder->errors.output_message = on_output_message;
    /* jpeg_create_decompress keeps client_data and err, and clears the rest. */
    decoder->info.client_data = decoder;
    if (!create(decoder)) {
        shim_close(decoder);
        return NULL;
    }
    decoder->source.init_source = source_nothing;
    decoder->source.fill_input_buffer = source_fill;
    decoder->source.skip_input_data = source_skip;
    decoder->source.resync_to_restart = jpeg_resync_to_restart;
    decoder->source.term_source = source_nothing;
    decoder->source.next_input_byte = data;
    decoder->source.bytes_in_buffer = length;
    decoder->info.src = &decoder->source;
    decoder->progress.progress_monitor = on_progress;
    decoder->info.progress = &decoder->progress;
    return decoder;
}

enum shim_status shim_read_header(shim_decoder *decoder, shim_header *header) {
    if (setjmp(decoder->on_error)) {
        return decoder->status;
    }
    int found;
    do {
        found = jpeg_read_header(&decoder->info, FALSE);
    } while (found == JPEG_HEADER_TABLES_ONLY);
    if (found == JPEG_SUSPENDED) {
        return SHIM_TRUNCATED;
    }
    header->width = decoder->info.image_width;
    header->height = decoder->info.image_height;
    header->components = (uint32_t)decoder->info.num_components;
    header->precision = (uint32_t)decoder->info.data_precision;
    return SHIM_OK;
}

int shim_needs_frame(shim_decoder *decoder) {
    /* A call before shim_read_header is an error of libjpeg. */
    if (setjmp(decoder->on_error)) {
        return 1;
    }
    return jpeg_has_multiple_scans(&decoder->info);
}

static int is_plain(j_decompress_ptr info) {
    /* A lossless scan has the number of a predictor in Ss, and 0 in Se. */
    return !jpeg_has_multiple_scans(info) && !info->progressive_mode && !info->arith_code &&
           info->Ss == 0 && info->Se == DCTSIZE2 - 1;
}

static int is_restart(int marker) { return marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7; }

/* The Huffman decoder passes no marker but restarts. Where the next other marker is the end of the
 * image, it can neither run out of data, for it stops there and takes zeros for what is missing,
 * nor meet a segment that is an error: whatever the data are, they cause warnings at most, and
 * nothing behind that marker is read. */
static int rest_is_complete(const struct jpeg_decompress_struct *info) {
    int marker = info->unread_marker;
    const uint8_t *next = info->src->next_input_byte;
    const uint8_t *end = next + info->src->bytes_in_buffer;
    while (marker == 0 || is_restart(marker)) {
        next = memchr(next, 0xff, (size_t)(end - next));
        if (next == NULL) {
            return 0;
        }
        /* Any number of 0xff comes before the code; 0 makes it a value of the data. */
        while (next < end && *next == 0xff) {
            next++;
        }
        if (next == end) {
            return 0;
        }
        marker = *next++;
    }
    return marker == JPEG_EOI;
}

/* A file that ends with the end marker has it, whatever comes before: the Huffman decoder may take
 * other bytes for markers, but passes none of this kind. */
static int has_end_marker(const struct jpeg_decompress_struct *info) {
    const size_t left = info->src->bytes_in_buffer;
    const uint8_t *end = info->src->next_input_byte + left;
    return (left >= 2 && end[-2] == 0xff && end[-1] == JPEG_EOI) || rest_is_complete(info);
}

enum shim_status shim_start(shim_decoder *decoder) {
    if (setjmp(decoder->on_error)) {
        return decoder->status;
    }
    switch (decoder->info.num_components) {
        case 1:
            decoder->info.out_color_space = JCS_GRAYSCALE;
            break;
        case 3:
            decoder->info.out_color_space = JCS_RGB;
            break;
        default:
            decoder->info.out_color_space = JCS_CMYK;
            break;
    }
    decoder->info.dct_method = JDCT_ISLOW;
    decoder->info.do_fancy_upsampling = TRUE;
    if (!jpeg_start_decompress(&decoder->info)) {
        return SHIM_TRUNCATED;
    }
    if (is_plain(&decoder->info) && has_end_marker(&decoder->info)) {
        decoder->codes = huffman_take_over(&decoder->info);
    }
    return SHIM_OK;
}

int shim_is_plain(shim_decoder *decoder) {
    /* A call before shim_read_header is an error of libjpeg. */
    if (setjmp(decoder->on_error)) {
        return 0;
    }
    return is_plain(&decoder->info);
}

void shim_read_as_defined(shim_decoder *decoder) {
    if (decoder->codes != NULL) {
        huffman_give_back(&decoder->info, decoder->codes);
        decoder->codes = NULL;
    }
}

enum shim_status shim_crop(shim_decoder *decoder, uint32_t *first, uint32_t *width) {
    if (setjmp(decoder->on_error)) {
        return decoder->status;
    }
    JDIMENSION offset = *first;
    JDIMENSION columns = *width;
    jpeg_crop_scanline(&decoder->info, &offset, &columns);
    *first = offset;
    *width = columns;
    return SHIM_OK;
}

enum shim_status shim_skip(shim_decoder *decoder, uint32_t rows) {
    if (setjmp(decoder->on_error)) {
        return decoder->status;
    }
    return jpeg_skip_scanlines(&decoder->info, rows) == rows ? SHIM_OK : SHIM_TRUNCATED;
}

int shim_rest_is_complete(const shim_decoder *decoder) { return rest_is_complete(&decoder->info); }

enum shim_status shim_read_row(shim_decoder *decoder, uint8_t *row) {
    if (setjmp(decoder->on_error)) {
        return decoder->status;
    }
    JSAMPROW rows[1] = {row};
    return jpeg_read_scanlines(&decoder->info, rows, 1) == 1 ? SHIM_OK : SHIM_TRUNCATED;
}

enum shim_status shim_finish(shim_decoder *decoder) {
    if (setjmp(decoder->on_error)) {
        return decoder->status;
    }
    if (!jpeg_finish_decompress(&decoder->info)) {
        return SHIM_TRUNCATED;
    }
    decoder->codes = NULL;
    return SHIM_OK;
}

const char *shim_message(const shim_decoder *decoder) { return decoder->message; }

void shim_close(shim_decoder *decoder) {
    if (decoder == NULL) {
        return;
    }
    if (setjmp(decoder->on_error) == 0) {
        jpeg_destroy_decompress(&decoder->info);
    }
    free(decoder);
}

int shim_has_simd(void) {
#ifdef WITH_SIMD
    return 1;
#else
    return 0;
#endif
}

const char *shim_library_version(void) { return TEXT(LIBJPEG_TURBO_VERSION); }
