// The virtual board's process: the gateware, clocked as long as anything is under way, between
// standard input (bytes from the host) and standard output (bytes to the host).

#include "narrow.h"
#include "design.cc"
#include "host_side.h"
#ifdef SDRAM
#include "sdram.h"
#endif

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

// Clocks without a byte taken or sent, and with the engine idle, after which nothing can be
// under way any more: more than the link ever works on a whole receive buffer in silence.
#ifndef QUIET_CLOCKS
#error "QUIET_CLOCKS must be defined"
#endif

namespace {

// Of the reset that a button makes: a board's lasts until its clock can be relied on.
constexpr unsigned RESET_CLOCKS = 256;
volatile sig_atomic_t button = 0;

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

// What the engine did in each clock, from its first activity on, as little-endian 64-bit words.
class Trace {
	FILE *file = nullptr;
	uint64_t left = 0;
	bool begun = false;

public:
	void open(const char *path, uint64_t clocks) {
		file = fopen(path, "wb");
		if (!file)
			host_side::fail(path);
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
			host_side::fail("trace");
		if (left && --left)
			return;
		if (fclose(file))
			host_side::fail("trace");
		file = nullptr;
	}
	~Trace() {
		if (file)
			fclose(file);
	}
};

struct Board {
	cxxrtl_design::p_top top;
	host_side::Input input;
	host_side::Output output;
	Trace trace;
	uint64_t quiet = 0; // clocks since anything happened
	unsigned resetting = 0; // clocks that the reset still lasts
#ifdef SDRAM
	Sdram sdram{SdramTimes{SDRAM}};
#endif
#ifdef UART
	host_side::Wire wire;
	explicit Board(double bit_clocks) : wire(bit_clocks) {}
#endif

	// One clock, evaluated once: the rising edge, with the falling one left out. Inputs and
	// outputs are those of the clock that the edge ends.
	void clock() {
		bool moved = false;
		if (button) {
			button = 0;
			resetting = RESET_CLOCKS;
		}
		bool reset = resetting != 0;
		resetting -= reset;
		top.p_rst.set<bool>(reset);
#ifdef SDRAM
		top.p_sdram__read.set<uint32_t>(sdram.read());
#endif
#ifdef UART
		top.p_rx.set<bool>(wire.drive(input, moved));
#else
		bool offered = !reset && !input.empty();
		top.p_received____valid.set<bool>(offered);
		if (offered)
			top.p_received____payload.set<uint8_t>(input.front());
#endif
		top.prev_p_clk.set<bool>(false);
		top.eval();
#ifdef SDRAM
		if (reset)
			sdram.begin();
		else
			sdram.clock(sample(top.p_sdram));
#endif
#ifdef UART
		wire.listen(sample(top.p_tx), output, moved);
		moved |= !wire.quiet();
#else
		if (offered && sample(top.p_received____ready)) {
			input.pop();
			moved = true;
		}
		if (!reset && sample(top.p_sent____valid)) {
			output.push(uint8_t(sample(top.p_sent____payload)));
			moved = true;
		}
#endif
		quiet = moved || reset || !sample(top.p_idle) ? 0 : quiet + 1;
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
		host_side::serve(*this, QUIET_CLOCKS);
	}
};

} // namespace

int main(int argc, char **argv) {
	double bit_clocks = 0;
	const char *trace = nullptr;
	int stopwatch = -1;
	uint64_t trace_clocks = 0;
	for (int n = 1; n + 1 < argc; n += 2) {
		std::string name = argv[n];
		if (name == "--bit-clocks")
			bit_clocks = atof(argv[n + 1]);
		else if (name == "--stopwatch")
			stopwatch = atoi(argv[n + 1]);
		else if (name == "--trace")
			trace = argv[n + 1];
		else if (name == "--trace-clocks")
			trace_clocks = strtoull(argv[n + 1], nullptr, 10);
	}
	signal(SIGINT, SIG_IGN); // the host decides; it may still have a question
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, [](int) { button = 1; });
#ifdef UART
	Board board(bit_clocks);
	if (stopwatch >= 0)
		board.wire.stopwatch.open(stopwatch);
#else
	(void)bit_clocks, (void)stopwatch;
	Board board;
#endif
	if (trace)
		board.trace.open(trace, trace_clocks);
	board.run();
	return 0;
}
