// In place of LZ4, for the waveform writer that comes with Verilator: a greedy compressor
// that writes the LZ4 block format. Waveforms are recorded where LZ4 is not installed.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

inline int LZ4_compressBound(int size) { return size + size / 255 + 16; }

namespace allspin_lz4 {

constexpr int kMinMatch = 4;
// The format's rules for a block's end: the last 5 bytes are literals, and no match
// starts within the last 12.
constexpr int kLastLiterals = 5;
constexpr int kMatchLimit = 12;
constexpr int kHashBits = 14;
constexpr int kMaxOffset = 65535;

inline uint32_t word(const uint8_t *at) {
    uint32_t value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

inline void put_length(uint8_t *&out, int length) {
    for (; length >= 255; length -= 255) *out++ = 255;
    *out++ = static_cast<uint8_t>(length);
}

// Literals, then (unless match is 0) a match of that length so far back.
inline void put_sequence(uint8_t *&out, const uint8_t *literals, int count, int offset, int match) {
    const int extra = match ? match - kMinMatch : 0;
    *out++ = static_cast<uint8_t>((count < 15 ? count : 15) << 4 | (extra < 15 ? extra : 15));
    if (count >= 15) put_length(out, count - 15);
    std::memcpy(out, literals, count);
    out += count;
    if (!match) return;
    *out++ = static_cast<uint8_t>(offset);
    *out++ = static_cast<uint8_t>(offset >> 8);
    if (extra >= 15) put_length(out, extra - 15);
}

}  // namespace allspin_lz4

inline int LZ4_compress_default(const char *source, char *target, int size, int) {
    using namespace allspin_lz4;
    const uint8_t *in = reinterpret_cast<const uint8_t *>(source);
    uint8_t *out = reinterpret_cast<uint8_t *>(target);
    std::vector<int> latest(1 << kHashBits, -1);
    int start = 0;
    for (int at = 0; at < size - kMatchLimit;) {
        const uint32_t here = word(in + at);
        int &slot = latest[here * 2654435761u >> (32 - kHashBits)];
        const int before = slot;
        slot = at;
        if (before < 0 || at - before > kMaxOffset || word(in + before) != here) {
            ++at;
            continue;
        }
        int match = kMinMatch;
        while (at + match < size - kLastLiterals && in[before + match] == in[at + match]) ++match;
        put_sequence(out, in + start, at - start, at - before, match);
        at += match;
        start = at;
    }
    put_sequence(out, in + start, size - start, 0, 0);
    return static_cast<int>(out - reinterpret_cast<uint8_t *>(target));
}
