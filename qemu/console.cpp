// SPDX-License-Identifier: Apache-2.0
#include "qemu/console.hpp"

namespace cfs {

std::string ConsoleText::add(std::string_view bytes) {
  constexpr char escape = '\x1b';
  constexpr char bell = '\x07';
  std::string text;
  for (const char c : bytes) {
    if (c == escape) {  // also ends or restarts whatever was going on
      state_ = State::escape;
      continue;
    }
    switch (state_) {
      case State::text:
        if (c == '\n' || c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f')) {
          text += c;
        }
        break;
      case State::escape:
        if (c == '[') {
          state_ = State::control;
        } else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_') {
          state_ = State::string;
        } else {
          state_ = c >= ' ' && c <= '/' ? State::last : State::text;
        }
        break;
      case State::control:
        if (c >= '@' && c <= '~') {
          state_ = State::text;
        }
        break;
      case State::string:
        if (c == bell) {
          state_ = State::text;
        }
        break;
      case State::last:
        state_ = State::text;
        break;
    }
  }
  return text;
}

std::string_view last_lines(std::string_view text, std::size_t lines) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  }
  std::size_t start = text.size();
  for (std::size_t i = 0; i < lines; ++i) {
    start = start == 0 ? std::string_view::npos : text.rfind('\n', start - 1);
    if (start == std::string_view::npos) {
      return text;
    }
  }
  return text.substr(start + 1);
}

}  // namespace cfs
