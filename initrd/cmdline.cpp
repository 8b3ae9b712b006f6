#include "cfs/cmdline.hpp"

#include <algorithm>

namespace cfs {

namespace {

// What lib/ctype.c of the kernel calls a space; systemd splits at the first four only. Splitting at all of
// them finds every parameter that either would find.
constexpr std::string_view blanks = " \t\n\r\v\f\xa0";

Parameter parse_word(std::string word) {
  const auto equals = word.find('=');
  if (equals == std::string::npos) {
    return {std::move(word), std::nullopt};
  }
  return {word.substr(0, equals), word.substr(equals + 1)};
}

}  // namespace

Cmdline Cmdline::parse(std::string_view text) {
  Cmdline cmdline;
  std::string word;
  bool in_word = false;
  bool quoted = false;
  for (const char c : text) {
    if (!quoted && blanks.find(c) != std::string_view::npos) {
      if (in_word) {
        cmdline.parameters_.push_back(parse_word(std::move(word)));
      }
      word.clear();
      in_word = false;
      continue;
    }
    in_word = true;
    if (c == '"') {
      quoted = !quoted;
    } else {
      word += c;
    }
  }
  if (in_word) {
    cmdline.parameters_.push_back(parse_word(std::move(word)));
  }
  return cmdline;
}

std::optional<std::string> Cmdline::value(std::string_view name) const {
  for (auto parameter = parameters_.rbegin(); parameter != parameters_.rend(); ++parameter) {
    if (parameter->value && same_parameter(parameter->name, name)) {
      return parameter->value;
    }
  }
  return std::nullopt;
}

bool same_parameter(std::string_view a, std::string_view b) noexcept {
  const auto same = [](char x, char y) { return (x == '-' ? '_' : x) == (y == '-' ? '_' : y); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

}  // namespace cfs
