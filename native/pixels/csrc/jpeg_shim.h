/* A door to libjpeg-turbo that returns codes.
 *
 * libjpeg reports a fatal error by calling error_exit, which must not return. The shim leaves it
 * with longjmp, and every setjmp lies in this file, so that no jump crosses a Rust frame.
 */
#ifndef BIOBENCH_JPEG_SHIM_H
#define BIOBENCH_JPEG_SHIM_H

#include <stddef.h>
#include <stdint.h>

enum shim_status {
    SHIM_OK = 0,
    SHIM_TRUNCATED = 1,   /* the data end before the image does */
    SHIM_CORRUPT = 2,     /* libjpeg refused the data: see shim_message */
    SHIM_CANCELLED = 3,   /* the caller's flag was set */
    SHIM_SCANS = 4,       /* more scans than max_scans */
    SHIM_MEMORY = 5       /* no memory */
};

/* Values of shim_header.components and the channels of an output row: 1, 3 or 4. */
typedef struct {
    uint32_t width;
    uint32_t height;
    uint32_t components;
    uint32_t precision;   /* bits a sample */
} shim_header;

typedef struct shim_decoder shim_decoder;

/* NULL when there is no memory. data and cancel must outlive the decoder. */
shim_decoder *shim_open(const uint8_t *data, size_t length, const uint8_t *cancel,
                        uint32_t max_scans);
enum shim_status shim_read_header(shim_decoder *decoder, shim_header *header);
/* After shim_read_header: 1 where the coefficients of the whole image are held before the first row,
 * because they come in several scans. */
int shim_needs_frame(shim_decoder *decoder);
/* Output is gray for 1 component, RGB for 3, CMYK as stored for 4. */
enum shim_status shim_start(shim_decoder *decoder);
/* After shim_start: 1 for one scan of Huffman-coded blocks. Only then the three functions below may
 * be called. */
int shim_is_plain(shim_decoder *decoder);
/* After shim_start: libjpeg-turbo reads the codes itself from now on, which defines what
 * codes/huffman.h must give. */
void shim_read_as_defined(shim_decoder *decoder);
/* Before the first row: limits the columns of each row. Sets them to those that a row then has: it
 * starts at or before *first and ends where *first + *width ended. Near either end values differ
 * from those of the whole row, where the upsampling misses a neighbour. */
enum shim_status shim_crop(shim_decoder *decoder, uint32_t *first, uint32_t *width);
/* Before the first row: leaves out rows, fewer than there are. */
enum shim_status shim_skip(shim_decoder *decoder, uint32_t rows);
/* Between two rows: 1 where nothing that comes can fail, so that the rest need not be read. */
int shim_rest_is_complete(const shim_decoder *decoder);
/* One row of width * components bytes. */
enum shim_status shim_read_row(shim_decoder *decoder, uint8_t *row);
/* After the last row: reads on to the end marker. */
enum shim_status shim_finish(shim_decoder *decoder);
/* Text of the last error, owned by the decoder. */
const char *shim_message(const shim_decoder *decoder);
void shim_close(shim_decoder *decoder);

/* 1 when libjpeg-turbo was built with its SIMD routines. */
int shim_has_simd(void);
/* Such as "3.1.0". */
const char *shim_library_version(void);

#endif
