// Values of one word, and slices and concatenations that are one.
//
// CXXRTL writes each operation as a loop over a value's words, inside calls of calls, and half of a
// compilation goes by while loops of one round are unrolled. Here each is an expression that gives
// the same bits.
//
// It comes before CXXRTL's own header: a template's special case is known before it is used.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#define ALLSPIN_INLINE inline __attribute__((__always_inline__))

namespace cxxrtl {

template<class T>
struct expr_base;
template<typename T>
struct chunk_traits;
template<size_t Bits>
struct value;
template<class T, size_t Stop, size_t Start>
struct slice_expr;
template<class T, class U>
struct concat_expr;

template<size_t Bits>
	requires (Bits >= 1 && Bits <= 32)
struct value<Bits> : public expr_base<value<Bits>> {
	static constexpr size_t bits = Bits;
	using chunk = chunk_traits<uint32_t>;
	static constexpr uint32_t msb_mask = ~0u >> (32 - Bits);
	static constexpr size_t chunks = 1;
	uint32_t data[1];

	constexpr value() : data{0} {}
	explicit constexpr value(uint32_t word) : data{word} {}

	const value<Bits> &val() const { return *this; }
	// As a signed number.
	int32_t extended() const { return int32_t(data[0] << (32 - Bits)) >> (32 - Bits); }

	template<class IntegerT>
	IntegerT get() const { return IntegerT(data[0]); }
	template<class IntegerT>
	void set(IntegerT word) { data[0] = uint32_t(word); }

	template<size_t NewBits>
	ALLSPIN_INLINE
	value<NewBits> trunc() const {
		return value<NewBits>{data[0] & value<NewBits>::msb_mask};
	}
	template<size_t NewBits>
	ALLSPIN_INLINE
	value<NewBits> zext() const {
		return value<NewBits>{data[0]};
	}
	template<size_t NewBits>
	ALLSPIN_INLINE
	value<NewBits> sext() const {
		if constexpr (NewBits <= 32) {
			return value<NewBits>{uint32_t(extended()) & value<NewBits>::msb_mask};
		} else {
			value<NewBits> result;
			result.data[0] = uint32_t(extended());
			uint32_t sign = uint32_t(extended() >> 31);
			for (size_t n = 1; n < result.chunks; n++)
				result.data[n] = sign;
			result.data[result.chunks - 1] &= result.msb_mask;
			return result;
		}
	}
	template<size_t NewBits>
	ALLSPIN_INLINE
	value<NewBits> rtrunc() const {
		return value<NewBits>{data[0] >> (Bits - NewBits)};
	}
	template<size_t NewBits>
	ALLSPIN_INLINE
	value<NewBits> rzext() const {
		if constexpr (NewBits <= 32) {
			return value<NewBits>{data[0] << (NewBits - Bits)};
		} else {
			constexpr size_t words = (NewBits - Bits) / 32, rest = (NewBits - Bits) % 32;
			value<NewBits> result;
			result.data[words] = data[0] << rest;
			if constexpr (rest + Bits > 32)
				result.data[words + 1] = data[0] >> (32 - rest);
			return result;
		}
	}
	template<size_t Stop, size_t Start>
	ALLSPIN_INLINE
	value<Bits> blit(const value<Stop - Start + 1> &source) const {
		constexpr uint32_t mask = value<Stop - Start + 1>::msb_mask << Start;
		return value<Bits>{(data[0] & ~mask) | (source.data[0] << Start)};
	}
	template<size_t NewBits>
	ALLSPIN_INLINE
	value<NewBits> zcast() const {
		if constexpr (NewBits < Bits)
			return trunc<NewBits>();
		else
			return zext<NewBits>();
	}
	template<size_t NewBits>
	ALLSPIN_INLINE
	value<NewBits> scast() const {
		if constexpr (NewBits < Bits)
			return trunc<NewBits>();
		else
			return sext<NewBits>();
	}
	template<size_t Count>
	ALLSPIN_INLINE
	value<Bits * Count> repeat() const {
		return sext<Count>();
	}

	explicit operator bool() const { return data[0] != 0; }
	bool is_zero() const { return data[0] == 0; }
	bool is_neg() const { return data[0] >> (Bits - 1); }
	bool operator ==(const value<Bits> &other) const { return data[0] == other.data[0]; }
	bool operator !=(const value<Bits> &other) const { return data[0] != other.data[0]; }
	value<Bits> bit_not() const { return value<Bits>{~data[0] & msb_mask}; }
	value<Bits> bit_and(const value<Bits> &other) const {
		return value<Bits>{data[0] & other.data[0]};
	}
	value<Bits> bit_or(const value<Bits> &other) const {
		return value<Bits>{data[0] | other.data[0]};
	}
	value<Bits> bit_xor(const value<Bits> &other) const {
		return value<Bits>{data[0] ^ other.data[0]};
	}
	value<Bits> update(const value<Bits> &val, const value<Bits> &mask) const {
		return value<Bits>{(data[0] & ~mask.data[0]) | (val.data[0] & mask.data[0])};
	}
	// Whether no bit of a word would be left.
	template<size_t AmountBits>
	static bool shifts_out(const value<AmountBits> &amount) {
		if constexpr (AmountBits > 32)
			for (size_t n = 1; n < amount.chunks; n++)
				if (amount.data[n] != 0)
					return true;
		return amount.data[0] >= 32;
	}
	template<size_t AmountBits>
	value<Bits> shl(const value<AmountBits> &amount) const {
		return value<Bits>{shifts_out(amount) ? 0u : data[0] << amount.data[0] & msb_mask};
	}
	template<size_t AmountBits, bool Signed = false>
	value<Bits> shr(const value<AmountBits> &amount) const {
		uint32_t places = shifts_out(amount) ? 32 : amount.data[0];
		if constexpr (Signed)
			return value<Bits>{uint32_t(int64_t(extended()) >> places) & msb_mask};
		else
			return value<Bits>{uint32_t(uint64_t(data[0]) >> places)};
	}
	template<size_t AmountBits>
	value<Bits> sshr(const value<AmountBits> &amount) const {
		return shr<AmountBits, true>(amount);
	}
	size_t ctpop() const { return __builtin_popcount(data[0]); }
	value<Bits> add(const value<Bits> &other) const {
		return value<Bits>{(data[0] + other.data[0]) & msb_mask};
	}
	value<Bits> sub(const value<Bits> &other) const {
		return value<Bits>{(data[0] - other.data[0]) & msb_mask};
	}
	value<Bits> neg() const { return value<Bits>{-data[0] & msb_mask}; }
	// A quotient by 0 is not used, and would end the process if it were computed.
	std::pair<value<Bits>, value<Bits>> udivmod(const value<Bits> &other) const {
		if (other.is_zero())
			return {value<Bits>{msb_mask}, *this};
		return {value<Bits>{data[0] / other.data[0]}, value<Bits>{data[0] % other.data[0]}};
	}
	std::pair<value<Bits>, value<Bits>> sdivmod(const value<Bits> &other) const {
		if (other.is_zero())
			return {value<Bits>{msb_mask}, *this};
		int64_t dividend = extended(), divisor = other.extended();
		return {
			value<Bits>{uint32_t(dividend / divisor) & msb_mask},
			value<Bits>{uint32_t(dividend % divisor) & msb_mask},
		};
	}
	bool ucmp(const value<Bits> &other) const { return data[0] < other.data[0]; }
	bool scmp(const value<Bits> &other) const { return extended() < other.extended(); }
	template<size_t ResultBits>
	value<ResultBits> mul(const value<Bits> &other) const {
		value<ResultBits> result;
		uint64_t product = uint64_t(data[0]) * other.data[0];
		result.data[0] = uint32_t(product);
		if constexpr (ResultBits > 32)
			result.data[1] = uint32_t(product >> 32);
		result.data[result.chunks - 1] &= result.msb_mask;
		return result;
	}
};

template<class T, size_t Stop, size_t Start>
	requires (Stop >= Start && Stop - Start < 32 && Stop < T::bits)
struct slice_expr<T, Stop, Start> : public expr_base<slice_expr<T, Stop, Start>> {
	static constexpr size_t bits = Stop - Start + 1;
	static constexpr uint32_t mask = ~0u >> (32 - bits);
	static constexpr size_t first = Start / 32, last = Stop / 32, shift = Start % 32;

	T &expr;

	slice_expr(T &expr) : expr(expr) {}
	slice_expr(const slice_expr<T, Stop, Start> &) = delete;

	ALLSPIN_INLINE
	value<bits> val() const {
		const value<T::bits> &whole = expr;
		uint32_t word = whole.data[first] >> shift;
		if constexpr (first != last)
			word |= whole.data[last] << (32 - shift);
		return value<bits>{word & mask};
	}
	ALLSPIN_INLINE
	operator value<bits>() const { return val(); }
	ALLSPIN_INLINE
	slice_expr<T, Stop, Start> &operator=(const value<bits> &rhs) {
		if constexpr (std::is_same<T, value<T::bits>>::value) {
			uint32_t word = rhs.data[0];
			expr.data[first] = (expr.data[first] & ~(mask << shift)) | word << shift;
			if constexpr (first != last) {
				constexpr size_t rest = 32 - shift;
				expr.data[last] = (expr.data[last] & ~(mask >> rest)) | word >> rest;
			}
		} else {
			expr = static_cast<const value<T::bits> &>(expr).template blit<Stop, Start>(rhs);
		}
		return *this;
	}
};

template<class T, class U>
	requires (T::bits + U::bits <= 32)
struct concat_expr<T, U> : public expr_base<concat_expr<T, U>> {
	static constexpr size_t bits = T::bits + U::bits;

	T &ms_expr;
	U &ls_expr;

	concat_expr(T &ms_expr, U &ls_expr) : ms_expr(ms_expr), ls_expr(ls_expr) {}
	concat_expr(const concat_expr<T, U> &) = delete;

	ALLSPIN_INLINE
	value<bits> val() const {
		return value<bits>{ms_expr.val().data[0] << U::bits | ls_expr.val().data[0]};
	}
	ALLSPIN_INLINE
	operator value<bits>() const { return val(); }
	ALLSPIN_INLINE
	concat_expr<T, U> &operator=(const value<bits> &rhs) {
		ms_expr = rhs.template rtrunc<T::bits>();
		ls_expr = rhs.template trunc<U::bits>();
		return *this;
	}
};

} // namespace cxxrtl

#undef ALLSPIN_INLINE
