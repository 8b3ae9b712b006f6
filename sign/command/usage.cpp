// SPDX-License-Identifier: Apache-2.0
#include "command/usage.hpp"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

constexpr std::size_t help_width = 100;
constexpr std::size_t description_column = 36;  // of options
constexpr std::size_t summary_column = 18;      // of commands

std::string wrap(const std::string& text, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  for (const std::string_view word : split(text, ' ')) {
    if (column != 0) {
      const bool fits = column + 1 + word.size() <= width;
      out += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    out += word;
    const auto line = word.rfind('\n');
    column = line == std::string_view::npos ? column + word.size() : word.size() - line - 1;
  }
  return out;
}

// Letters to insert, remove or replace, so that the one word becomes the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0U);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// ", but --store is", if that is likely meant.
std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t most_typos = 2;
  const auto nearest = std::ranges::min_element(
      known, {}, [&](const std::string& candidate) { return distance(word, candidate); });
  return nearest != known.end() && distance(word, *nearest) <= most_typos ? cat(", but ", *nearest, " is")
                                                                          : "";
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  for (const CLI::App* group :
       command.get_subcommands([](const CLI::App* app) { return app->get_name().empty(); })) {
    const auto names_of_group = options_of(*group);
    names.insert(names.end(), names_of_group.begin(), names_of_group.end());
  }
  return names;
}

std::vector<std::string> commands_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app :
       command.get_subcommands([](const CLI::App* app) { return !app->get_name().empty(); })) {
    names.push_back(app->get_name());
  }
  return names;
}

std::string unknown_word(const CLI::App& command, const std::string& word) {
  const bool top = command.get_parent() == nullptr;
  if (word.starts_with('-') && word != "-") {
    const std::string name = word.substr(0, word.find('='));
    return cat('"', printable(name), "\" is not an option", top ? "" : " of " + command.get_name(),
               suggestion(name, options_of(command)));
  }
  if (const auto commands = commands_of(command); !commands.empty()) {
    return cat('"', printable(word), "\" is not a command", top ? "" : " of " + command.get_name(),
               suggestion(word, commands));
  }
  return cat('"', printable(word), "\" is one argument too many for ", command.get_name());
}

// "Exactly 1 option from [--a,--b] is required", and so on.
std::string group_error(std::string_view names, bool given) {
  std::string list;
  for (const std::string_view name : split(names, ',')) {
    list += cat(list.empty() ? "" : " and ", name);
  }
  return given ? cat("only one of ", list, " can be given") : cat("one of ", list, " is required");
}

// CLI11's words where they are not for people.
std::string words_of(const CLI::App& command, const CLI::ParseError& error) {
  const std::string text = error.what();
  constexpr std::string_view one_missing = ": 1 required ";
  const auto open = text.find('[');
  const auto close = text.rfind(']');
  if (text.starts_with("Exactly 1 option from [") && close != std::string::npos) {
    return group_error(std::string_view(text).substr(open + 1, close - open - 1), text.ends_with("given"));
  }
  if (text == "A subcommand is required") {
    return command.get_parent() == nullptr ? "no command is named"
                                           : "no command of " + command.get_name() + " is named";
  }
  if (const auto at = text.find(one_missing); at != std::string::npos && text.ends_with(" missing")) {
    const auto type = at + one_missing.size();
    return cat(text.substr(0, at), " needs a value: ", text.substr(type, text.rfind(' ') - type));
  }
  if (const auto at = text.find(": At Most 1 required but received "); at != std::string::npos) {
    return cat(text.substr(0, at), " is given more than once");
  }
  return printable(text);
}

}  // namespace

HelpFormatter::HelpFormatter() {
  column_width(description_column);
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
  return wrap(CLI::Formatter::make_description(app), help_width);
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  std::string text = cat("  ", command->get_name());
  text.resize(std::max(text.size() + 1, summary_column), ' ');
  std::string description = wrap(command->get_description(), help_width - summary_column);
  for (auto end = description.find('\n'); end != std::string::npos; end = description.find('\n', end + 1)) {
    description.insert(end + 1, summary_column, ' ');
  }
  return cat(text, description, '\n');
}

std::string HelpFormatter::make_option_desc(const CLI::Option* option) const {
  return wrap(option->get_description(), help_width - description_column);
}

std::string called_command(const CLI::App& app) {
  const auto called = app.get_subcommands();
  return called.empty() ? app.get_name() : cat(app.get_name(), ' ', called_command(*called.front()));
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  for (;;) {
    if (const auto unknown = command->remaining(); !unknown.empty()) {
      return {Code::usage, unknown_word(*command, unknown.front())};
    }
    const auto called = command->get_subcommands();
    if (called.empty()) {
      return {Code::usage, words_of(*command, error)};
    }
    command = called.front();
  }
}

}  // namespace cfs
