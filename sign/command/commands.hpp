// SPDX-License-Identifier: Apache-2.0
// The commands of cfs-sign. Each lies in a file of its own, NAME_command.cpp, and owns its options.
//
// A command prints its result on standard output and reports failure by its Result; progress goes to standard
// error when that is a terminal.
#pragma once

#include <functional>

#include "cfs/base/result.hpp"

namespace CLI {
class App;
}

namespace cfs {

// What was chosen on the command line, to be run once it was read. Returns the exit status.
using Action = std::function<Result<int>()>;

// Each declares a command to `app`, which fills `action` in when it is the one that was called.
void add_keygen(CLI::App& app, Action& action);
void add_compose(CLI::App& app, Action& action);
void add_manifest(CLI::App& app, Action& action);
void add_sign(CLI::App& app, Action& action);
void add_slot(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_disk(CLI::App& app, Action& action);
void add_initramfs(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
void add_diff(CLI::App& app, Action& action);
void add_fsck(CLI::App& app, Action& action);
void add_gc(CLI::App& app, Action& action);
void add_status(CLI::App& app, Action& action);
void add_boot_chart(CLI::App& app, Action& action);
void add_profile(CLI::App& app, Action& action);
void add_factory_reset(CLI::App& app, Action& action);

}  // namespace cfs
