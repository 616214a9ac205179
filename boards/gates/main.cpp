// A netlist's process: the gates, clocked as long as anything is under way, between standard
// input (bytes from the host) and standard output (bytes to the host), through two pins.

#include "Vgates.h"
#include "host_side.h"

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <verilated.h>

namespace {

constexpr unsigned START_CLOCKS = 64; // for the registers that release a reset, and more

struct Board {
	Vgates gates;
	host_side::Input input;
	host_side::Output output;
	host_side::Wire wire;
	uint64_t quiet = 0; // clocks since anything happened

	explicit Board(double bit_clocks) : wire(bit_clocks) {}

	void edge(bool rx) {
		gates.rx = rx;
		gates.clk = 1;
		gates.eval();
		gates.clk = 0;
		gates.eval();
	}

	void clock() {
		bool moved = false;
		edge(wire.drive(input, moved));
		wire.listen(gates.tx, output, moved);
		quiet = moved || !wire.quiet() ? 0 : quiet + 1;
	}
};

} // namespace

int main(int argc, char **argv) {
	double bit_clocks = 0;
	uint64_t quiet_clocks = 0, start_clocks = START_CLOCKS;
	int stopwatch = -1;
	for (int n = 1; n + 1 < argc; n += 2) {
		std::string name = argv[n];
		if (name == "--bit-clocks")
			bit_clocks = atof(argv[n + 1]);
		else if (name == "--quiet-clocks")
			quiet_clocks = strtoull(argv[n + 1], nullptr, 10);
		else if (name == "--start-clocks")
			start_clocks = strtoull(argv[n + 1], nullptr, 10);
		else if (name == "--stopwatch")
			stopwatch = atoi(argv[n + 1]);
	}
	signal(SIGINT, SIG_IGN); // the host decides; it may still have a question
	signal(SIGPIPE, SIG_IGN);
	Board board(bit_clocks);
	if (stopwatch >= 0)
		board.wire.stopwatch.open(stopwatch);
	for (uint64_t n = 0; n < start_clocks; n++)
		board.edge(true);
	host_side::serve(board, quiet_clocks);
	return 0;
}
