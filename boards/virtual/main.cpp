// The virtual board's process: the gateware, clocked as long as anything is under way, between
// standard input (bytes from the host) and standard output (bytes to the host).
//
// It ends when its input ends and everything under way is done, or when nobody reads its output
// any more. So it never outlives its host, however that ends.

#include "design.cc"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <string>
#include <unistd.h>
#include <vector>

// Clocks without a byte taken or sent, and with the engine idle, after which nothing can be
// under way any more: more than the link ever works on a whole receive buffer in silence.
#ifndef QUIET_CLOCKS
#error "QUIET_CLOCKS must be defined"
#endif

namespace {

constexpr size_t CHUNK = 1 << 16;       // bytes read or written at a time
constexpr unsigned WAITING_CLOCKS = 256; // between looks at an empty input
constexpr unsigned BUSY_CLOCKS = 16384;  // between looks at whether there is output to give
constexpr uint64_t LAST_CLOCKS = 1 << 26; // after the input's end, at most without a byte sent

[[noreturn]] void fail(const char *what) {
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

// Outputs are sampled between evaluation and commitment: combinational ones are then those of
// this clock, and registers still hold what they had in it.
template<size_t Bits>
uint64_t sample(const cxxrtl::value<Bits> &value) {
	uint64_t bits = 0;
	for (size_t chunk = 0; chunk < value.chunks && chunk < 2; chunk++)
		bits |= uint64_t(value.data[chunk]) << (32 * chunk);
	return bits;
}

template<size_t Bits>
uint64_t sample(const cxxrtl::wire<Bits> &wire) {
	return sample(wire.curr);
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

// What the engine did in each clock, from its first activity on, as little-endian 64-bit words.
class Trace {
	FILE *file = nullptr;
	uint64_t left = 0;
	bool begun = false;

public:
	void open(const char *path, uint64_t clocks) {
		file = fopen(path, "wb");
		if (!file)
			fail(path);
		left = clocks;
	}
	bool active() const { return file != nullptr; }
	void add(uint64_t activity) {
		begun |= activity != 0;
		if (!begun)
			return;
		uint8_t word[8];
		for (int n = 0; n < 8; n++)
			word[n] = uint8_t(activity >> 8 * n);
		if (left && (fwrite(word, sizeof word, 1, file) != 1))
			fail("trace");
		if (left && --left)
			return;
		if (fclose(file))
			fail("trace");
		file = nullptr;
	}
	~Trace() {
		if (file)
			fclose(file);
	}
};

#ifdef UART

// The host's side of the wire, 8N1, with a clock of its own.
class Wire {
	double bit_clocks;
	// To the board.
	unsigned out_bits = 0, out_left = 0;
	double out_time = 0;
	// From the board.
	unsigned in_bits = 0, in_number = 0;
	double in_time = 0;
	bool receiving = false, before = true;

public:
	explicit Wire(double bit_clocks) : bit_clocks(bit_clocks) {}

	bool quiet() const { return out_left == 0 && !receiving; }

	// The level to drive in this clock; takes a byte from the input when it can.
	bool drive(Input &input, bool &moved) {
		if (out_left == 0 && !input.empty()) {
			out_bits = 0x200u | unsigned(input.front()) << 1;
			out_left = 10;
			out_time += bit_clocks;
			input.pop();
			moved = true;
		}
		if (out_left == 0) {
			out_time = 0;
			return true;
		}
		bool level = out_bits & 1;
		out_time -= 1;
		if (out_time <= 0) {
			out_bits >>= 1;
			if (--out_left)
				out_time += bit_clocks;
		}
		return level;
	}

	void listen(bool level, Output &output, bool &moved) {
		if (!receiving) {
			if (before && !level) {
				receiving = true;
				in_number = 0;
				in_time = bit_clocks / 2;
			}
		} else if ((in_time -= 1) <= 0) {
			in_time += bit_clocks;
			if (in_number == 0 && level)
				receiving = false;
			else if (in_number == 9) {
				receiving = false;
				if (level) {
					output.push(uint8_t(in_bits));
					moved = true;
				}
			} else if (in_number > 0)
				in_bits = in_bits >> 1 | (level ? 0x80u : 0);
			in_number++;
		}
		before = level;
	}
};

#endif

struct Board {
	cxxrtl_design::p_top top;
	Input input;
	Output output;
	Trace trace;
	uint64_t quiet = 0; // clocks since anything happened
#ifdef UART
	Wire wire;
	explicit Board(double bit_clocks) : wire(bit_clocks) {}
#endif

	// One clock, evaluated once: the rising edge, with the falling one left out. Inputs and
	// outputs are those of the clock that the edge ends.
	void clock() {
		bool moved = false;
#ifdef UART
		top.p_rx.set<bool>(wire.drive(input, moved));
#else
		bool offered = !input.empty();
		top.p_received____valid.set<bool>(offered);
		if (offered)
			top.p_received____payload.set<uint8_t>(input.front());
#endif
		top.prev_p_clk.set<bool>(false);
		top.eval();
#ifdef UART
		wire.listen(sample(top.p_tx), output, moved);
		moved |= !wire.quiet();
#else
		if (offered && sample(top.p_received____ready)) {
			input.pop();
			moved = true;
		}
		if (sample(top.p_sent____valid)) {
			output.push(uint8_t(sample(top.p_sent____payload)));
			moved = true;
		}
#endif
		quiet = moved || !sample(top.p_idle) ? 0 : quiet + 1;
		if (trace.active())
			trace.add(sample(top.p_activity));
		top.commit();
	}

	void run() {
		top.p_clk.set<bool>(true);
#ifdef UART
		top.p_rx.set<bool>(true);
#else
		top.p_sent____ready.set<bool>(true);
#endif
		uint64_t total = 0, silent = 0;
		for (;;) {
			if (input.empty()) {
				// The host may be waiting for what is there, so it gets that first. With nothing
				// under way, time stands still until it says something.
				output.flush();
				input.fill(quiet >= QUIET_CLOCKS);
				if (input.empty() && input.ended) {
					silent = output.total == total ? silent + WAITING_CLOCKS : 0;
					total = output.total;
					if (quiet >= QUIET_CLOCKS || silent >= LAST_CLOCKS)
						return;
				}
			}
			if (input.empty()) {
				for (unsigned n = 0; n < WAITING_CLOCKS; n++)
					clock();
			} else {
				for (unsigned n = 0; n < BUSY_CLOCKS && !input.empty(); n++)
					clock();
				output.flush();
			}
		}
	}
};

} // namespace

int main(int argc, char **argv) {
	double bit_clocks = 0;
	const char *trace = nullptr;
	uint64_t trace_clocks = 0;
	for (int n = 1; n + 1 < argc; n += 2) {
		std::string name = argv[n];
		if (name == "--bit-clocks")
			bit_clocks = atof(argv[n + 1]);
		else if (name == "--trace")
			trace = argv[n + 1];
		else if (name == "--trace-clocks")
			trace_clocks = strtoull(argv[n + 1], nullptr, 10);
	}
	signal(SIGINT, SIG_IGN); // the host decides; it may still have a question
	signal(SIGPIPE, SIG_IGN);
#ifdef UART
	Board board(bit_clocks);
#else
	(void)bit_clocks;
	Board board;
#endif
	if (trace)
		board.trace.open(trace, trace_clocks);
	board.run();
	board.output.flush();
	return 0;
}
