// SPDX-License-Identifier: Apache-2.0
// A whole system at whose serial console a test logs in.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "qemu/machine.hpp"
#include "small_machine.hpp"
#include "workshop.hpp"

namespace cfs::test {

inline constexpr auto console_boot_timeout = std::chrono::seconds(400);
inline constexpr auto console_command_timeout = std::chrono::seconds(120);

// A shell on the console of a machine.
class Console {
 public:
  explicit Console(Machine machine) : machine_(std::move(machine)) { log_in(); }
  explicit Console(const MachineOptions& options) : Console(start(options)) {}

  // What a command prints.
  std::string run(const std::string& command) {
    type(command + "; echo end-$((6 * 7))\n");
    std::string output = expect("end-42\n", console_command_timeout);
    output.erase(output.rfind("end-42"));
    output.erase(0, output.find_first_not_of('\n'));  // of the line that was typed
    return output;
  }

  // Of all disks together, so far.
  [[nodiscard]] std::uint64_t read_requests() {
    const auto disks = machine_.block_statistics(console_command_timeout);
    EXPECT_TRUE(disks) << disks.error().line();
    std::uint64_t requests = 0;
    for (const BlockStatistics& disk : *disks) {
      requests += disk.read_requests;
    }
    return requests;
  }

  void soft_reboot() {
    type("systemctl soft-reboot\n");
    log_in();
  }

  // Mounts a file of these bytes over another, by a unit that stays when the system stops.
  void mount_over(const std::string& path, const std::string& bytes) {
    const TempDirectory directory;
    const std::string text = must({"base64", "-w0", directory.write("bytes", bytes)});
    EXPECT_THAT(run("set -e; echo " + text +
                    " | base64 -d >/run/over; "
                    "unit=$(systemd-escape --path --suffix=mount " +
                    path +
                    "); printf '%s\\n' '[Unit]' DefaultDependencies=no '[Mount]' What=/run/over Type=none "
                    "Options=bind Where=" +
                    path +
                    " >\"/run/systemd/system/$unit\"; systemctl daemon-reload; "
                    "systemctl start \"$unit\"; cmp /run/over " +
                    path + " && echo mounted"),
                ::testing::HasSubstr("mounted"));
  }

  void power_off() { end_by("systemctl poweroff"); }

  // Types a command that the machine does not survive: it goes off, or reboots.
  void end_by(const std::string& command) {
    type(command + '\n');
    const auto ended = machine_.wait_exit(console_boot_timeout);
    EXPECT_TRUE(ended) << ended.error().line();
  }

  [[nodiscard]] const std::string& log() const { return machine_.log(); }

 private:
  void log_in() {
    expect("login: ", console_boot_timeout);
    type("root\n");
    expect("# ", console_command_timeout);
    type("stty -echo; PS1=\n");
    (void)run("dmesg --console-off");  // a late message of the kernel is not what a command prints
  }

  std::string expect(std::string_view marker, Machine::Timeout timeout) {
    auto text = machine_.wait_for(marker, timeout);
    if (!text) {
      throw std::runtime_error(text.error().line() + "\n" + machine_.log());
    }
    return *text;
  }
  void type(const std::string& text) { EXPECT_TRUE(machine_.send(text)); }

  Machine machine_;
};

}  // namespace cfs::test
