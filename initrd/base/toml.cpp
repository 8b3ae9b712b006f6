// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/toml.hpp"

// toml++ checks its own invariants with assert(), and some malformed input breaks them; without assert() the
// same input is an ordinary parse error.
#ifndef NDEBUG
#define NDEBUG
#endif
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
// Without it floats are parsed with string streams, which bring iostream and locale along.
#define TOML_FLOAT_CHARCONV 1
#define TOML_INT_CHARCONV 1
#define TOML_MAX_NESTED_VALUES 8
#if __has_include(<toml++/toml.hpp>)
#include <toml++/toml.hpp>
#else
#include <toml++/toml.h>
#endif

#include <algorithm>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// Tables nest as deep as a line has dots, and are destroyed recursively: a limit keeps that off the stack's
// end.
constexpr std::size_t longest_line = 1024;

bool is_printable(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

struct TomlTable::Impl {
  toml::table table;
  std::string path;  // of this table, with a final "."; empty for the whole
  Code code;

  [[nodiscard]] tl::unexpected<Error> refuse(std::string_view key, std::string_view why) const {
    return fail(code, cat(path, printable(key), " ", why));
  }

  // The value of a key, taken out of the table: nullopt if it is absent.
  template <class T>
  Result<std::optional<T>> take(std::string_view key, std::string_view kind) {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return std::nullopt;
    }
    const auto* typed = node->as<T>();
    if (typed == nullptr) {
      return refuse(key, cat("must be ", kind));
    }
    std::optional<T> value(typed->get());
    table.erase(key);
    return value;
  }
};

TomlTable::TomlTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TomlTable::TomlTable(TomlTable&&) noexcept = default;
TomlTable& TomlTable::operator=(TomlTable&&) noexcept = default;
TomlTable::~TomlTable() = default;

Result<TomlTable> TomlTable::parse(std::string_view text, Code code) {
  std::size_t number = 1;
  for (const std::string_view line : split(text, '\n')) {
    if (!std::all_of(line.begin(), line.end(), [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); })) {
      return fail(code, cat("line ", number, " holds a byte that is not printable ASCII"));
    }
    if (line.size() > longest_line) {
      return fail(code, cat("line ", number, " is longer than ", longest_line, " bytes"));
    }
    ++number;
  }
  toml::parse_result result = toml::parse(text);
  if (!result) {
    const toml::parse_error& error = result.error();
    return fail(code, cat("line ", error.source().begin.line, ": ", printable(error.description())));
  }
  return TomlTable(std::make_unique<Impl>(Impl{std::move(result).table(), {}, code}));
}

Result<std::optional<std::string>> TomlTable::string(std::string_view key) {
  auto value = CFS_TRY(impl_->take<std::string>(key, "a string"));
  if (value && !is_printable(*value)) {  // by an escape sequence
    return impl_->refuse(key, "holds a character that is not printable ASCII");
  }
  return value;
}

Result<std::optional<std::uint64_t>> TomlTable::number(std::string_view key) {
  const auto value = CFS_TRY(impl_->take<std::int64_t>(key, "a number"));
  if (!value) {
    return std::nullopt;
  }
  if (*value < 0) {
    return impl_->refuse(key, "must not be negative");
  }
  return static_cast<std::uint64_t>(*value);
}

Result<std::optional<bool>> TomlTable::boolean(std::string_view key) {
  return impl_->take<bool>(key, "true or false");
}

Result<std::optional<std::vector<std::string>>> TomlTable::strings(std::string_view key) {
  const toml::node* node = impl_->table.get(key);
  if (node == nullptr) {
    return std::nullopt;
  }
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    return impl_->refuse(key, "must be a list of strings");
  }
  std::vector<std::string> values;
  for (const toml::node& element : *array) {
    const auto* value = element.as_string();
    if (value == nullptr) {
      return impl_->refuse(key, "must be a list of strings");
    }
    if (!is_printable(value->get())) {
      return impl_->refuse(key, "holds a character that is not printable ASCII");
    }
    values.push_back(value->get());
  }
  impl_->table.erase(key);
  return values;
}

Result<std::optional<std::size_t>> TomlTable::place_among(std::string_view key,
                                                          std::span<const std::string_view> words) {
  const auto text = CFS_TRY(string(key));
  if (!text) {
    return std::nullopt;
  }
  const auto found = std::ranges::find(words, *text);
  if (found == words.end()) {
    return impl_->refuse(key, cat("is \"", printable(*text), "\", not ", list_words(words)));
  }
  return static_cast<std::size_t>(found - words.begin());
}

Result<std::optional<TomlTable>> TomlTable::table(std::string_view key) {
  toml::node* node = impl_->table.get(key);
  if (node == nullptr) {
    return std::nullopt;
  }
  toml::table* table = node->as_table();
  if (table == nullptr) {
    return impl_->refuse(key, "must be a table");
  }
  TomlTable inner(
      std::make_unique<Impl>(Impl{std::move(*table), cat(impl_->path, printable(key), "."), impl_->code}));
  impl_->table.erase(key);
  return inner;
}

tl::unexpected<Error> TomlTable::missing(std::string_view key) const {
  return impl_->refuse(key, "is missing");
}

Result<std::map<std::string, std::string>> TomlTable::all_strings() {
  std::map<std::string, std::string> values;
  while (!impl_->table.empty()) {
    const std::string key(impl_->table.begin()->first);
    if (!is_printable(key)) {
      return impl_->refuse(key, "is a key with a character that is not printable ASCII");
    }
    values.emplace(key, CFS_TRY(string(key)).value_or(std::string()));
  }
  return values;
}

Result<> TomlTable::finish() const {
  if (!impl_->table.empty()) {
    return impl_->refuse(std::string_view(impl_->table.begin()->first), "is not a key that is known here");
  }
  return {};
}

std::string toml_quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

}  // namespace cfs
