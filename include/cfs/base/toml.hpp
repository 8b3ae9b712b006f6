// SPDX-License-Identifier: Apache-2.0
// Strict reading of TOML: every key must be asked for, every type must fit.
//
// The only place that knows toml++. Input is refused before its parser sees it unless every byte is printable
// ASCII, a tab or a line feed: the parser is undefined on some other input.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cfs/base/result.hpp"
#include "cfs/base/words.hpp"

namespace cfs {

class TomlTable {
 public:
  // `code` is the code of every error that this table and its sub-tables report.
  [[nodiscard]] static Result<TomlTable> parse(std::string_view text, Code code);

  TomlTable(TomlTable&&) noexcept;
  TomlTable& operator=(TomlTable&&) noexcept;
  ~TomlTable();

  // Each takes the key out of the table: nullopt if it is absent, an error naming the key if it has another
  // type.
  [[nodiscard]] Result<std::optional<std::string>> string(std::string_view key);
  [[nodiscard]] Result<std::optional<std::uint64_t>> number(std::string_view key);  // 0 … 2^63-1
  [[nodiscard]] Result<std::optional<bool>> boolean(std::string_view key);
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> strings(std::string_view key);
  [[nodiscard]] Result<std::optional<TomlTable>> table(std::string_view key);
  // The value that the key's word stands for; the error names the words that there are.
  template <class Value, std::size_t count>
  [[nodiscard]] Result<std::optional<Value>> word(std::string_view key, const Words<Value, count>& words) {
    const auto place = CFS_TRY(place_among(key, only_words(words)));
    return place ? std::optional(words[*place].value) : std::nullopt;
  }
  // The same for words that stand for themselves: the place of the one that it is.
  [[nodiscard]] Result<std::optional<std::size_t>> place_among(std::string_view key,
                                                               std::span<const std::string_view> words);

  // What is left, when every value is a string.
  [[nodiscard]] Result<std::map<std::string, std::string>> all_strings();

  // An error naming a key that nobody asked for, if one is left. To be called on every table, when all keys
  // were asked for.
  [[nodiscard]] Result<> finish() const;

  // The value of a key that must be there. To be called after finish(): whoever misspells a key shall read
  // what he wrote, not that another key is missing.
  template <class T>
  [[nodiscard]] Result<T> required(std::optional<T> value, std::string_view key) const {
    return value ? Result<T>(*std::move(value)) : missing(key);
  }

  // The error that a key is not there.
  [[nodiscard]] tl::unexpected<Error> missing(std::string_view key) const;

 private:
  struct Impl;
  explicit TomlTable(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `text` as a TOML basic string, quotes included. Needs printable ASCII.
[[nodiscard]] std::string toml_quote(std::string_view text);

}  // namespace cfs
