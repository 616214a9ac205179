// The gateware for a web page: bytes are given to it, it is clocked until it has answered, and
// its answers and what its engine did lie in memory.

#include "narrow.h"
#include "design.cc"

#include <cstdint>
#include <vector>

// As of main.cpp.
#ifdef SDRAM
#error "a page has no SDRAM"
#endif
#ifndef QUIET_CLOCKS
#error "QUIET_CLOCKS must be defined"
#endif

namespace {

constexpr size_t TRACE_CLOCKS = 1 << 20; // of which activity is kept, at most

cxxrtl_design::p_top top;
std::vector<uint8_t> input, output;
std::vector<uint32_t> activity; // of each clock, from the first activity on
size_t next = 0;                // of the input
bool tracing = false;

} // namespace

#define EXPORT(name) extern "C" __attribute__((export_name(#name)))

// Room for bytes to the machine, behind those that it has not taken yet.
EXPORT(give) uint8_t *give(uint32_t count) {
	input.erase(input.begin(), input.begin() + next);
	next = 0;
	input.resize(input.size() + count);
	return input.data() + input.size() - count;
}

// Clock the machine until it has sent so many frames, or nothing is under way any more. Returns
// how many bytes it has sent, which are at `out_ptr` until the next run.
EXPORT(run) uint32_t run(uint32_t frames) {
	output.clear();
	top.p_clk.set<bool>(true);
	top.p_sent____ready.set<bool>(true);
	for (uint64_t quiet = 0; frames && quiet < QUIET_CLOCKS;) {
		bool offered = next < input.size();
		bool idle = true;
		top.p_received____valid.set<bool>(offered);
		if (offered)
			top.p_received____payload.set<uint8_t>(input[next]);
		top.prev_p_clk.set<bool>(false);
		top.eval();
		// Sampled before commitment, as main.cpp does.
		if (offered && top.p_received____ready.get<bool>()) {
			next++;
			idle = false;
		}
		if (top.p_sent____valid.get<bool>()) {
			uint8_t byte = top.p_sent____payload.get<uint8_t>();
			output.push_back(byte);
			frames -= byte == 0;
			idle = false;
		}
		quiet = idle && top.p_idle.get<bool>() ? quiet + 1 : 0;
		uint32_t now = tracing ? top.p_activity.get<uint64_t>() : 0;
		if ((now || !activity.empty()) && activity.size() < TRACE_CLOCKS && tracing)
			activity.push_back(now);
		top.commit();
	}
	return uint32_t(output.size());
}

EXPORT(out_ptr) const uint8_t *out_ptr() { return output.data(); }

// Keep the engine's activity from here on, or keep none.
EXPORT(trace) void trace(bool on) {
	activity.clear();
	tracing = on;
}

EXPORT(activity_clocks) uint32_t activity_clocks() { return uint32_t(activity.size()); }
EXPORT(activity_ptr) const uint32_t *activity_ptr() { return activity.data(); }
