/* Huffman codes of a sequential scan, most of them two coefficients at a lookup.
 *
 * libjpeg-turbo looks up a code and then takes the bits of its value, and asks before each whether
 * there are enough. Here a lookup gives up to two values and the end of the block, and bits come
 * eight bytes at a time. libjpeg-turbo stays the definition: whatever is not usual (an invalid code,
 * a marker, the last bytes, a restart) is left to it, from the state before the group of blocks (MCU)
 * that it is in. So values and errors are its own.
 */
#ifndef BIOBENCH_JPEG_HUFFMAN_H
#define BIOBENCH_JPEG_HUFFMAN_H

#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

struct huffman_codes;

/* After jpeg_start_decompress of an image with one sequential Huffman scan whose end marker is there:
 * reads its codes from now on. (Where the data may run out it is chance whether libjpeg, which fills
 * its buffer further than it needs, can read a last code: only libjpeg itself has the same chances.)
 * Memory is the image's. NULL where the scan is one that libjpeg must read. */
struct huffman_codes *huffman_take_over(j_decompress_ptr info);
/* Gives the scan back to libjpeg, between two groups. */
void huffman_give_back(j_decompress_ptr info, const struct huffman_codes *codes);

#endif
