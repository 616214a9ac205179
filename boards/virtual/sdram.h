// An SDRAM beside the machine. It keeps words, and ends the process where a command comes too soon,
// a refresh too late, or nobody drives what is written: what it would hold then is anyone's guess.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <vector>

struct SdramTimes {
	unsigned width, row_bits, column_bits, pins, rcd, rp, ras, rfc, wr, refresh, cas, way;
};

class Sdram {
	const SdramTimes t;
	std::vector<uint32_t> words;
	std::deque<uint32_t> coming; // what the controller is given, clock by clock
	int64_t now = 0, activated, precharged, refreshed, written, set;
	int row = -1; // of bank `bank`, the only one that is open
	unsigned bank = 0, refreshes = 0;
	bool ready = false; // there is a mode

	void check(bool fine, const char *what) {
		if (fine)
			return;
		fprintf(stderr, "the simulated SDRAM: %s at clock %lld\n", what, (long long)now);
		exit(1);
	}
	uint32_t &word(unsigned column) {
		return words[((uint64_t(row) << 2 | bank) << t.column_bits) | column];
	}

public:
	explicit Sdram(SdramTimes times)
	    : t(times), words(size_t(1) << (t.row_bits + 2 + t.column_bits)),
	      coming(t.cas + t.way - 1) {
		begin();
	}
	void begin() {
		ready = false;
		row = -1;
		refreshes = 0;
		activated = precharged = refreshed = written = set = now - (1 << 30);
	}
	uint32_t read() const { return coming.front(); }
	void clock(uint64_t wires) {
		unsigned command = wires & 7, at = wires >> 3 & 3;
		unsigned address = wires >> 5 & ((1u << t.pins) - 1);
		uint32_t data = uint32_t(wires >> (5 + t.pins)) & uint32_t((uint64_t(1) << t.width) - 1);
		bool driven = wires >> (5 + t.pins + t.width) & 1;
		uint32_t given = uint32_t(now * 2654435761u) >> (32 - t.width); // of wires that float
		if (command) {
			check(now - refreshed >= t.rfc, "tRFC");
			check(now - set >= 2, "tMRD");
			check(driven == (command == 6), "driven");
		}
		if (command == 1 || command == 3 || command == 7)
			check(row < 0 && now - precharged >= t.rp, "tRP");
		if (ready)
			check(now - refreshed <= t.refresh, "a refresh is late");
		switch (command) {
		case 1:
			check(ready && now - activated >= t.ras + t.rp, "tRC");
			row = address & ((1u << t.row_bits) - 1), bank = at, activated = now;
			break;
		case 5:
			check(now - activated >= t.ras && now - written >= t.wr, "tRAS or tWR");
			check(address >> 10 & 1, "not all banks");
			row = -1, precharged = now;
			break;
		case 3:
			refreshes++, refreshed = now;
			break;
		case 7:
			check(refreshes >= 8 && (address >> 4 & 7) == t.cas && !(address & 15), "mode");
			ready = true, set = now;
			break;
		case 2:
		case 6:
			check(row >= 0 && bank == at && now - activated >= t.rcd, "tRCD");
			if (command == 2)
				given = word(address);
			else
				word(address) = data, written = now;
			break;
		case 4:
			check(false, "an unknown command");
		}
		coming.pop_front();
		coming.push_back(given);
		now++;
	}
};
