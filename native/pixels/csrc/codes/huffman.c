#include "huffman.h"

#include <stdint.h>
#include <string.h>

#include "table.h"
#include "../jpeg_decoder.h"

/* The start of a structure that libjpeg-turbo keeps to itself: jpeg_entropy_decoder of jpegint.h,
 * which huff_entropy_decoder of jdhuff.c begins with. */
#if LIBJPEG_TURBO_VERSION_NUMBER != 3001000
#error "compare struct entropy_decoder with jpegint.h and jdhuff.c of this libjpeg-turbo"
#endif

struct entropy_decoder {
    void (*start_pass)(j_decompress_ptr info);
    boolean (*decode_mcu)(j_decompress_ptr info, JBLOCKROW *blocks);
    JDIMENSION (*decode_mcus)(void);
    boolean (*process_restart)(j_decompress_ptr info);
    boolean insufficient_data;
    struct {
        size_t buffer; /* the lowest bits are those to come */
        int count;
    } bits;
    int last_dc[MAX_COMPS_IN_SCAN];
    unsigned int restarts_to_go;
};

struct huffman_codes {
    boolean (*decode_mcu)(j_decompress_ptr info, JBLOCKROW *blocks);
    /* Of each block in a group. */
    const struct code_table *dc[D_MAX_BLOCKS_IN_MCU];
    const struct code_table *ac[D_MAX_BLOCKS_IN_MCU];
};

/* ITU-T T.81, figure A.6. A run in damaged data may lead up to 15 places too far: as in libjpeg,
 * those are the last place. */
static const uint8_t zigzag[DCTSIZE2 + 15] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33,
    40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36,
    29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63};

/* What is not yet read of the data: the highest bits of buffer come first. */
struct reader {
    uint64_t buffer;
    int count;
    const uint8_t *next;
    const uint8_t *end;
};

/* Bits of buffer, of which a refill leaves less than a byte empty. */
#define BITS 64

/* After a refill: a code, its value, and the lookahead after them. */
#define ENOUGH (LONGEST_CODE + LONGEST_VALUE + LOOKAHEAD)

static inline int has_byte_ff(uint64_t word) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    return ((~word - ones) & word & (ones << 7)) != 0;
}

static inline uint64_t big_endian(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* A byte at a time, for data with a byte 0xff. Stops where that begins a marker, and at the end. */
static __attribute__((noinline)) void refill_slowly(struct reader *in) {
    while (in->count < BITS - 8 && in->end - in->next >= 2) {
        const uint8_t byte = *in->next;
        if (byte == 0xff && in->next[1] != 0) {
            break;
        }
        in->buffer |= (uint64_t)byte << (BITS - 8 - in->count);
        in->count += 8;
        in->next += byte == 0xff ? 2 : 1;
    }
}

/* ENOUGH bits, or leaves the function: libjpeg must read the group. Only a copy of the reader has an
 * address, so that the reader itself stays in registers. To take bits always is quicker than to ask
 * whether they are needed. */
#define NEED_BITS(in)                                                                    \
    do {                                                                                 \
        const uint64_t word =                                                            \
            (in).end - (in).next < 8 ? ~UINT64_C(0) : big_endian((in).next);             \
        if (__builtin_expect(!has_byte_ff(word), 1)) {                                   \
            /* Bits beyond the count come again with the next word. */                   \
            (in).buffer |= word >> (in).count;                                           \
            (in).next += (BITS - 1 - (in).count) >> 3;                                   \
            (in).count |= BITS - 8;                                                      \
        } else if ((in).count < ENOUGH) {                                                \
            struct reader copy;                                                          \
            copy.buffer = (in).buffer, copy.count = (in).count;                          \
            copy.next = (in).next, copy.end = (in).end;                                  \
            refill_slowly(&copy);                                                        \
            (in).buffer = copy.buffer, (in).count = copy.count, (in).next = copy.next;   \
            if ((in).count < ENOUGH) {                                                   \
                return 0;                                                                \
            }                                                                            \
        }                                                                                \
    } while (0)

#define LOOK_UP(table, in) ((table)[(in).buffer >> (BITS - LOOKAHEAD)])

#define DROP(in, bits) ((in).buffer <<= (bits), (in).count -= (int)(bits))

/* The entry of a code longer than the lookahead; 0 where it is none. */
static __attribute__((noinline)) entry long_code(const struct code_table *table, uint64_t buffer) {
    for (entry length = LOOKAHEAD + 1; length <= LONGEST_CODE; length++) {
        const uint32_t code = (uint32_t)(buffer >> (BITS - length));
        if (code < table->end[length]) {
            return (entry)table->symbols[(int32_t)code + table->offset[length]] << 8 | length;
        }
    }
    return 0;
}

/* The symbol of an entry without a value, whose code is dropped; leaves the function where it is
 * none. */
#define TAKE_SYMBOL(symbol, in, table, found)            \
    do {                                                 \
        if ((found) == 0) {                              \
            (found) = long_code(table, (in).buffer);     \
            if ((found) == 0) {                          \
                return 0;                                \
            }                                            \
        }                                                \
        DROP(in, (found) & 0xff);                        \
        (symbol) = (int)((found) >> 8);                  \
    } while (0)

#define TAKE_VALUE(value, in, size)                                    \
    do {                                                               \
        (value) = extend((int)((in).buffer >> (BITS - (size))), size); \
        DROP(in, size);                                                \
    } while (0)

/* The blocks of a group, kept or passed over, which is known when this is compiled. 0 where libjpeg
 * must read the group; nothing has changed then but values that it writes again. */
static inline __attribute__((always_inline)) int read_group(j_decompress_ptr info,
                                                            const struct huffman_codes *codes,
                                                            JBLOCKROW *blocks, int kept) {
    struct entropy_decoder *state = (struct entropy_decoder *)info->entropy;
    const uint8_t *const start = info->src->next_input_byte;
    struct reader in = {0, state->bits.count, start, start + info->src->bytes_in_buffer};
    if (in.count == BITS) {
        return 0;
    }
    if (in.count > 0) {
        in.buffer = (uint64_t)state->bits.buffer << (BITS - in.count);
    }
    uint32_t last_dc[MAX_COMPS_IN_SCAN];
    memcpy(last_dc, state->last_dc, sizeof last_dc);
    const int count = info->blocks_in_MCU;
    for (int i = 0; i < count; i++) {
        JCOEF *const block = kept ? *blocks[i] : NULL;
        const struct code_table *table = codes->dc[i];
        NEED_BITS(in);
        entry found = LOOK_UP(table->lookup, in);
        int value = (int32_t)found >> 16;
        if (value != 0) {
            DROP(in, found & 0xff);
        } else {
            int size;
            TAKE_SYMBOL(size, in, table, found);
            if (size > 0) {
                TAKE_VALUE(value, in, size);
            }
        }
        /* Wraps where damaged data add up beyond 32 bits, as in libjpeg on any usual machine. */
        const uint32_t dc = last_dc[info->MCU_membership[i]] += (uint32_t)value;
        if (kept) {
            block[0] = (JCOEF)dc;
        }
        table = codes->ac[i];
        NEED_BITS(in);
        for (int place = 1; place < DCTSIZE2;) {
            /* Looked up in what the refill before has left, so that it need not be waited for. */
            const pair both = LOOK_UP(table->pairs, in);
            NEED_BITS(in);
            const int second = place + (int)(both >> 16 & 0xff);
            /* Behind the last place nothing more is read: neither a second value nor an end. */
            if (second < DCTSIZE2 - 1) {
                if (kept) {
                    /* The first value comes last: the second may be none. */
                    block[zigzag[second]] = (JCOEF)(both >> 48);
                    block[zigzag[place + (int)(both >> 8 & 0xff)]] = (JCOEF)(both >> 32);
                }
                place += (int)(both >> 24 & 0xff);
                DROP(in, both & 0xff);
                continue;
            }
            found = (both & 0xff) == 0 ? (entry)(both >> 32) : LOOK_UP(table->lookup, in);
            value = (int32_t)found >> 16;
            if (value != 0) {
                DROP(in, found & 0xff);
                place += (int)(found >> 8 & 0xff);
            } else {
                int symbol;
                TAKE_SYMBOL(symbol, in, table, found);
                const int size = symbol & 15;
                if (size == 0) {
                    if (symbol != ZERO_RUN) {
                        break;
                    }
                    place += 16;
                    continue;
                }
                TAKE_VALUE(value, in, size);
                place += symbol >> 4;
            }
            if (kept) {
                block[zigzag[place]] = (JCOEF)value;
            }
            place++;
        }
    }
    state->bits.buffer = in.count > 0 ? (size_t)(in.buffer >> (BITS - in.count)) : 0;
    state->bits.count = in.count;
    memcpy(state->last_dc, last_dc, sizeof last_dc);
    info->src->next_input_byte = in.next;
    info->src->bytes_in_buffer = (size_t)(in.end - in.next);
    return 1;
}

static boolean decode_mcu(j_decompress_ptr info, JBLOCKROW *blocks) {
    struct entropy_decoder *state = (struct entropy_decoder *)info->entropy;
    const struct huffman_codes *codes = ((const shim_decoder *)info->client_data)->codes;
    const int at_restart = info->restart_interval != 0 && state->restarts_to_go == 0;
    if (at_restart || state->insufficient_data || info->unread_marker != 0) {
        return codes->decode_mcu(info, blocks);
    }
    const int read = blocks != NULL ? read_group(info, codes, blocks, 1)
                                    : read_group(info, codes, NULL, 0);
    if (!read) {
        return codes->decode_mcu(info, blocks);
    }
    if (info->restart_interval != 0) {
        state->restarts_to_go--;
    }
    return TRUE;
}

/* The table of a component, made where no component before has it. */
static const struct code_table *table_of(j_decompress_ptr info, const struct code_table **made,
                                         const JHUFF_TBL *source, int with_pairs) {
    if (*made == NULL) {
        struct code_table *table =
            info->mem->alloc_large((j_common_ptr)info, JPOOL_IMAGE, sizeof *table);
        code_table_fill(table, source, with_pairs);
        *made = table;
    }
    return *made;
}

/* 1 where a byte 0xff follows another one. Before a marker that is padding; in the codes it is a
 * fault, where libjpeg-turbo leaves values behind that depend on how full its buffer was. */
static int has_doubled_ff(const struct jpeg_source_mgr *source) {
    int found = 0;
    for (size_t i = 1; i < source->bytes_in_buffer; i++) {
        found |= (source->next_input_byte[i - 1] & source->next_input_byte[i]) == 0xff;
    }
    return found;
}

struct huffman_codes *huffman_take_over(j_decompress_ptr info) {
    /* libjpeg's buffer must hold what is left in ours. */
    if (sizeof(size_t) < sizeof(uint64_t) || has_doubled_ff(info->src)) {
        return NULL;
    }
    for (int i = 0; i < info->comps_in_scan; i++) {
        if (!info->cur_comp_info[i]->component_needed) {
            return NULL;
        }
    }
    struct huffman_codes *codes =
        info->mem->alloc_small((j_common_ptr)info, JPOOL_IMAGE, sizeof *codes);
    const struct code_table *dc[NUM_HUFF_TBLS] = {NULL}, *ac[NUM_HUFF_TBLS] = {NULL};
    for (int i = 0; i < info->blocks_in_MCU; i++) {
        const jpeg_component_info *part = info->cur_comp_info[info->MCU_membership[i]];
        const int dc_number = part->dc_tbl_no, ac_number = part->ac_tbl_no;
        codes->dc[i] = table_of(info, &dc[dc_number], info->dc_huff_tbl_ptrs[dc_number], 0);
        codes->ac[i] = table_of(info, &ac[ac_number], info->ac_huff_tbl_ptrs[ac_number], 1);
    }
    struct entropy_decoder *state = (struct entropy_decoder *)info->entropy;
    codes->decode_mcu = state->decode_mcu;
    state->decode_mcu = decode_mcu;
    return codes;
}

void huffman_give_back(j_decompress_ptr info, const struct huffman_codes *codes) {
    ((struct entropy_decoder *)info->entropy)->decode_mcu = codes->decode_mcu;
}
