// SPDX-License-Identifier: Apache-2.0
// What a machine prints on its serial line, made fit for searching.
#pragma once

#include <string>
#include <string_view>

namespace cfs {

// Takes the bytes of a serial line as they come and returns their text: without carriage returns, NULs, other
// control characters and escape sequences (ECMA-48), even when a sequence arrives in pieces.
class ConsoleText {
 public:
  // The text of these bytes, which follow those given before.
  [[nodiscard]] std::string add(std::string_view bytes);

 private:
  // Between two bytes: outside of any sequence; after ESC; in a control sequence (ESC [); in a string (ESC ]
  // and its kin), which a BEL or ESC \ ends; before the one byte that ends a sequence such as ESC ( B.
  enum class State : unsigned char { text, escape, control, string, last };
  State state_ = State::text;
};

// The last `lines` lines of `text`, at least one.
[[nodiscard]] std::string_view last_lines(std::string_view text, std::size_t lines);

}  // namespace cfs
