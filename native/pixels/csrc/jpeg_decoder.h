/* What the parts of the shim share. */
#ifndef BIOBENCH_JPEG_DECODER_H
#define BIOBENCH_JPEG_DECODER_H

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

#include "codes/huffman.h"
#include "jpeg_shim.h"

struct shim_decoder {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    jmp_buf on_error;
    enum shim_status status;
    const uint8_t *cancel;
    uint32_t max_scans;
    /* In the memory of the image that is started, and gone with it; NULL where libjpeg reads its
     * codes itself. */
    struct huffman_codes *codes;
    char message[JMSG_LENGTH_MAX];
};

#endif
