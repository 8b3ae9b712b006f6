// SPDX-License-Identifier: Apache-2.0
// What the command line's reader says to people: its help and its errors.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cfs/base/result.hpp"

namespace cfs {

// Help of at most 100 columns.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();

  std::string make_description(const CLI::App* app) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_option_desc(const CLI::Option* option) const override;
};

// "cfs-sign profile record": the command that was called, as far as it is known.
[[nodiscard]] std::string called_command(const CLI::App& app);

// Why the command line could not be taken. A word that nobody knows is named before what follows from it.
[[nodiscard]] Error usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace cfs
