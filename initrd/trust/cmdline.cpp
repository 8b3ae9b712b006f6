// SPDX-License-Identifier: Apache-2.0
#include "cfs/trust/cmdline.hpp"

#include <algorithm>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// What lib/ctype.c of the kernel calls a space; systemd splits at the first four only. Splitting at all of
// them finds every parameter that either would find.
constexpr std::string_view blanks = " \t\n\r\v\f\xa0";

}  // namespace

Result<std::string> read_visible_cmdline(const std::string& root) {
  return read_file(cat(root, cmdline_file), cmdline_max_bytes);
}

Parameter parse_parameter(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos) {
    return {std::string(word), std::nullopt};
  }
  return {std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))};
}

std::vector<std::string_view> cmdline_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    if (at < text.size() && (quoted || blanks.find(text[at]) == std::string_view::npos)) {
      quoted ^= text[at] == '"';
      continue;
    }
    if (at > begin) {
      words.push_back(text.substr(begin, at - begin));
    }
    begin = at + 1;
  }
  return words;
}

Cmdline Cmdline::parse(std::string_view text) {
  Cmdline cmdline;
  for (const std::string_view written : cmdline_words(text)) {
    std::string word(written);
    std::erase(word, '"');
    cmdline.parameters_.push_back(parse_parameter(word));
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

Result<WordPattern> WordPattern::parse(std::string_view text) {
  WordPattern pattern;
  std::string_view checked = text;
  pattern.prefix_ = text.ends_with(".*");
  if (pattern.prefix_) {
    checked.remove_suffix(1);
  }
  Parameter parameter = parse_parameter(checked);
  if (!is_plain_word(checked) || parameter.name.empty() || parameter.name == "." ||
      (pattern.prefix_ && parameter.value)) {
    return fail(Code::unsupported_input,
                cat("\"", printable(text), "\" is not NAME, NAME=VALUE or PREFIX.* in plain characters"));
  }
  pattern.name_ = std::move(parameter.name);
  pattern.value_ = std::move(parameter.value);
  return pattern;
}

bool WordPattern::matches(const Parameter& parameter) const noexcept {
  const std::string_view name = parameter.name;
  if (prefix_) {
    return name.size() > name_.size() && same_parameter(name.substr(0, name_.size()), name_);
  }
  return same_parameter(name, name_) && (!value_ || parameter.value == value_);
}

std::string WordPattern::text() const {
  return cat(name_, value_ ? "=" : "", value_.value_or(""), prefix_ ? "*" : "");
}

bool is_plain_word(std::string_view word) noexcept {
  return !word.empty() && std::ranges::all_of(word, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._-,:/+=@%").find(c) != std::string_view::npos;
  });
}

bool same_parameter(std::string_view a, std::string_view b) noexcept {
  const auto same = [](char x, char y) { return (x == '-' ? '_' : x) == (y == '-' ? '_' : y); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

}  // namespace cfs
