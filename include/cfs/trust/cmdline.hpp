// SPDX-License-Identifier: Apache-2.0
// The kernel command line: words, and the parameters in them.
//
// Words are separated by blanks; double quotes protect blanks and are removed, as in the kernel's next_arg()
// (lib/cmdline.c) and systemd's proc_cmdline_parse(). "--" ends the kernel's part: what follows belongs to
// init, but systemd reads it as parameters too, so it is looked at as well. Of a parameter given twice the
// last counts. In names "-" and "_" are the same, as for the kernel.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cfs/base/result.hpp"

namespace cfs {

// Where processes see it. Something may be mounted there.
inline constexpr auto cmdline_file = "/proc/cmdline";
inline constexpr std::size_t cmdline_max_bytes = 64UL * 1024;

// What a process whose root directory is `root` sees. Errors as read_file().
[[nodiscard]] Result<std::string> read_visible_cmdline(const std::string& root);

struct Parameter {
  std::string name;                  // as written
  std::optional<std::string> value;  // nullopt: given without "="
};

// The parameter that a word is, once its quotes are removed.
[[nodiscard]] Parameter parse_parameter(std::string_view word);

class Cmdline {
 public:
  // Never fails: an unbalanced quote ends with the text, as for the kernel.
  [[nodiscard]] static Cmdline parse(std::string_view text);

  [[nodiscard]] const std::vector<Parameter>& parameters() const& noexcept { return parameters_; }
  const std::vector<Parameter>& parameters() && = delete;  // they would not outlive the loop over them

  // The value of the last parameter of this name that has one.
  [[nodiscard]] std::optional<std::string> value(std::string_view name) const;

 private:
  std::vector<Parameter> parameters_;
};

// The words of a command line as they are written, quotes and all.
[[nodiscard]] std::vector<std::string_view> cmdline_words(std::string_view text);

// Words that a policy names: of one name, with any value or without one ("NAME"); with this value and no
// other
// ("NAME=VALUE"); or all whose names begin with "PREFIX." ("PREFIX.*").
class WordPattern {
 public:
  // Code::unsupported_input for a text that is none of these, or holds bytes that no allowed word can have:
  // see is_plain_word(). "*" alone is not a pattern.
  [[nodiscard]] static Result<WordPattern> parse(std::string_view text);

  [[nodiscard]] bool matches(const Parameter& parameter) const noexcept;

  // As parse() takes it.
  [[nodiscard]] std::string text() const;

  friend bool operator==(const WordPattern&, const WordPattern&) = default;

 private:
  std::string name_;                  // for a prefix with its final dot
  std::optional<std::string> value_;  // the only one that matches
  bool prefix_ = false;
};

// Whether every program reads `word` as the kernel does: letters, digits and . _ - , : / + = @ % alone, so
// neither blanks nor quotes, escapes, what a shell acts on, control bytes or other alphabets. An empty word
// is not plain.
[[nodiscard]] bool is_plain_word(std::string_view word) noexcept;

// Whether two parameter names are the same to the kernel.
[[nodiscard]] bool same_parameter(std::string_view a, std::string_view b) noexcept;

}  // namespace cfs
