// The host's side of a simulated machine: the pipes that its bytes come and go by, and the
// wire of a UART between them and the machine's pins.

#pragma once

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace host_side {

constexpr size_t CHUNK = 1 << 16; // bytes read or written at a time

[[noreturn]] inline void fail(const char *what) {
	perror(what);
	exit(1);
}

class Input {
	std::vector<uint8_t> bytes = std::vector<uint8_t>(CHUNK);
	size_t next = 0, end = 0;

public:
	bool ended = false;

	bool empty() const { return next == end; }
	uint8_t front() const { return bytes[next]; }
	void pop() { next++; }

	// Read what is there; wait for it when told to.
	void fill(bool wait) {
		if (ended)
			return;
		struct pollfd poll_input = {STDIN_FILENO, POLLIN, 0};
		int ready = poll(&poll_input, 1, wait ? -1 : 0);
		if (ready < 0 && errno != EINTR)
			fail("poll");
		if (ready <= 0)
			return;
		ssize_t count = read(STDIN_FILENO, bytes.data(), bytes.size());
		if (count < 0 && errno != EINTR && errno != EAGAIN)
			fail("read");
		if (count == 0)
			ended = true;
		if (count > 0) {
			next = 0;
			end = size_t(count);
		}
	}
};

class Output {
	std::vector<uint8_t> bytes;

public:
	uint64_t total = 0;

	void push(uint8_t byte) {
		bytes.push_back(byte);
		total++;
	}
	size_t size() const { return bytes.size(); }

	// Whether nobody is left who could read it.
	bool unread() const {
		struct pollfd gone = {STDOUT_FILENO, 0, 0};
		return poll(&gone, 1, 0) > 0 && (gone.revents & POLLERR);
	}

	void flush() {
		for (size_t start = 0; start < bytes.size();) {
			ssize_t count = write(STDOUT_FILENO, bytes.data() + start, bytes.size() - start);
			if (count < 0 && errno == EPIPE)
				exit(0); // the host is gone
			if (count < 0 && errno != EINTR)
				fail("write");
			if (count > 0)
				start += size_t(count);
		}
		bytes.clear();
	}
};

// Clocks between the first byte that the host sends and the last that it gets, in a file that
// both have mapped: whether the next byte starts the watch, the clock that it did so, and the
// clock after the last byte.
class Stopwatch {
	uint64_t nowhere[3] = {};
	volatile uint64_t *shared = nowhere;

public:
	void open(int file) {
		void *memory = mmap(nullptr, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
		if (memory == MAP_FAILED)
			fail("stopwatch");
		close(file);
		shared = static_cast<volatile uint64_t *>(memory);
	}
	void from_host(uint64_t clock) {
		if (shared[0]) {
			shared[1] = clock;
			shared[0] = 0;
		}
	}
	void to_host(uint64_t clock) { shared[2] = clock; }
};

// The host's end of the two wires, 8N1, with a clock of its own: its bits may have any length,
// and where it has been silent, any place between the machine's clocks.
class Wire {
	double bit_clocks;
	uint64_t now = 0;
	// To the machine: when the byte's start bit began, and between clocks where the next may.
	unsigned out_bits = 0;
	bool sending = false;
	double out_begun = 0, phase = 0;
	// From the machine: when its start bit began.
	unsigned in_bits = 0, in_number = 0;
	double in_begun = 0;
	bool receiving = false, before = true;

public:
	Stopwatch stopwatch;

	explicit Wire(double bit_clocks) : bit_clocks(bit_clocks) {}

	bool quiet() const { return !sending && !receiving; }

	// The level at this clock's edge; takes a byte from the input when it can.
	bool drive(Input &input, bool &moved) {
		bool over = sending && double(now) >= out_begun + 10 * bit_clocks;
		if ((over || !sending) && !input.empty()) {
			if (over) {
				out_begun += 10 * bit_clocks;
			} else {
				// The golden ratio's multiples come everywhere in a clock, evenly.
				phase = std::fmod(phase + 0.6180339887498949, 1.0);
				out_begun = double(now) + phase;
			}
			out_bits = 0x200u | unsigned(input.front()) << 1;
			sending = true;
			input.pop();
			stopwatch.from_host(now);
			moved = true;
		} else if (over) {
			sending = false;
		}
		if (!sending || double(now) < out_begun)
			return true;
		return out_bits >> unsigned((double(now) - out_begun) / bit_clocks) & 1;
	}

	// The level from this clock's edge to the next one's; ends the clock.
	void listen(bool level, Output &output, bool &moved) {
		if (!receiving && before && !level) {
			receiving = true;
			in_number = 0;
			in_begun = double(now);
		}
		before = level;
		// Of a bit, its middle.
		while (receiving && in_begun + (in_number + 0.5) * bit_clocks < double(now + 1)) {
			if (in_number == 0 && level) {
				receiving = false;
			} else if (in_number == 9) {
				receiving = false;
				if (level) {
					output.push(uint8_t(in_bits));
					stopwatch.to_host(now + 1);
					moved = true;
				}
			} else if (in_number > 0) {
				in_bits = in_bits >> 1 | (level ? 0x80u : 0);
			}
			in_number++;
		}
		now++;
	}
};

// Clocks a machine as long as anything is under way. A machine has an input, an output, `clock()`
// for one clock, and counts in `quiet` the clocks since anything happened.
//
// It ends when its input ends and everything under way is done, or when nobody reads its output
// any more. So it never outlives its host, however that ends.
template<class Machine>
void serve(Machine &machine, uint64_t quiet_clocks) {
	constexpr unsigned WAITING_CLOCKS = 256;  // between looks at an empty input
	constexpr unsigned BUSY_CLOCKS = 16384;   // between looks at whether there is output to give
	constexpr uint64_t LAST_CLOCKS = 1 << 26; // after the input's end, at most without a byte sent
	uint64_t total = 0, silent = 0;
	for (;;) {
		if (machine.input.empty()) {
			// The host may be waiting for what is there, so it gets that first. With nothing
			// under way, time stands still until it says something.
			machine.output.flush();
			machine.input.fill(machine.quiet >= quiet_clocks);
			if (machine.input.empty() && machine.input.ended) {
				silent = machine.output.total == total ? silent + WAITING_CLOCKS : 0;
				total = machine.output.total;
				// An image that was cut is under way for ever.
				if (machine.quiet >= quiet_clocks || silent >= LAST_CLOCKS || machine.output.unread())
					break;
			}
		}
		if (machine.input.empty()) {
			for (unsigned n = 0; n < WAITING_CLOCKS; n++)
				machine.clock();
		} else {
			for (unsigned n = 0; n < BUSY_CLOCKS && !machine.input.empty(); n++)
				machine.clock();
			machine.output.flush();
		}
	}
	machine.output.flush();
}

} // namespace host_side
