// SPDX-License-Identifier: Apache-2.0
// How a command declares itself.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

#include "cfs/base/text.hpp"
#include "cfs/base/words.hpp"
#include "command/commands.hpp"

namespace cfs {

// A subcommand whose options live as long as its action. `run` returns Result<>, or Result<int> where there
// is more to an exit status than 0.
template <class Options, class Outcome>
CLI::App* add_command(CLI::App& app, Action& action, const std::string& name, const std::string& description,
                      const std::shared_ptr<Options>& options, Outcome (*run)(const Options&)) {
  CLI::App* command = app.add_subcommand(name, description);
  command->callback([&action, options, run] {
    action = [options, run]() -> Result<int> {
      if constexpr (std::is_same_v<Outcome, Result<>>) {
        CFS_TRY(run(*options));
        return 0;
      } else {
        return run(*options);
      }
    };
  });
  return command;
}

// Turns one of these words into the number that CLI11 reads an enumeration from.
template <class Value, std::size_t count>
class WordOf {
 public:
  explicit WordOf(const Words<Value, count>& words) : words_(words) {}

  std::string operator()(const std::string& word) const {
    if (const auto value = value_of(words_, word)) {
      return std::to_string(static_cast<unsigned>(*value));
    }
    throw CLI::ValidationError(cat(word, " is not ", list_words(only_words(words_))));
  }

 private:
  Words<Value, count> words_;
};

// CLI11 would take "-1" for a very large number.
inline std::string check_number(const std::string& word) {
  return parse_decimal<std::uint64_t>(word) ? "" : word + " is not a number from 0 up";
}

}  // namespace cfs
