// SPDX-License-Identifier: Apache-2.0
#include "small_machine.hpp"

#include <cstdio>
#include <stdexcept>

#include "qemu/machine.hpp"

namespace cfs::test {

namespace {

// A boot of the small root takes 4 s here without KVM; a machine ten times slower may still pass.
constexpr auto boot_timeout = std::chrono::seconds(120);

}  // namespace

KernelFiles debian_kernel(const std::string& suite) {
  const std::filesystem::path directory = must({CFS_SOURCE "/qemu/debian-kernel", suite});
  for (const auto& entry : std::filesystem::directory_iterator(directory / "lib/modules")) {
    return {.image = directory / "vmlinuz", .modules = entry.path()};
  }
  throw std::runtime_error("no modules below " + directory.string());
}

std::filesystem::path make_initramfs(const InitramfsParts& parts, const std::vector<std::string>& options) {
  std::vector<std::string> command{"initramfs",    "--policy",  parts.policy,         "--keys",
                                   parts.keys,     "--modules", parts.kernel.modules, "--program",
                                   initrd_program, "--module",  "virtio_blk",         "--module",
                                   "virtio_pci",   "-o",        parts.output};
  command.insert(command.end(), options.begin(), options.end());
  cfs_sign(command);
  return parts.output;
}

SmallMachine::SmallMachine() {
  make_small_root(workshop_ / "root", "first");
  make_small_root(workshop_ / "second-root", "second");
  cfs_sign({"keygen", workshop_ / "device"});
  std::filesystem::create_directory(workshop_ / "keys");
  std::filesystem::copy_file(workshop_ / "device.pub", workshop_ / "keys/device.pub");

  const auto store = workshop_ / "store";
  const std::vector<std::string> stateless{"--var", "transient", "--complete", "none"};
  digest_ = add_image(store, workshop_ / "root", "first", workshop_ / "device.key", stateless);
  other_digest_ = add_image(store, workshop_ / "second-root", "second", workshop_ / "device.key", stateless);
  cfs_sign({"slot", "--store", store, "current", "first"});
  disk_ = workshop_ / "store.img";
  cfs_sign({"disk", "--store", store, "--raw", "-o", disk_});
  initramfs_ = initramfs("default", policy);
}

std::filesystem::path SmallMachine::copy_of_store_disk(const std::string& name) const {
  auto copy = workshop_ / (name + ".img");
  must({"cp", "--sparse=always", disk_, copy});
  return copy;
}

std::filesystem::path SmallMachine::store_disk(
    const std::string& name, const std::function<void(const std::filesystem::path& store)>& edit) const {
  const auto store = workshop_ / (name + "-store");
  must({"cp", "-a", workshop_ / "store", store});
  edit(store);
  auto disk = workshop_ / (name + ".img");
  cfs_sign({"disk", "--store", store, "--raw", "-o", disk});
  return disk;
}

std::filesystem::path SmallMachine::disk_with_mount_option(const std::string& name) const {
  auto disk = copy_of_store_disk(name);
  must({"tune2fs", "-e", "panic", disk});
  return disk;
}

std::filesystem::path SmallMachine::disk_with_mount_option_in_journal(const std::string& name) const {
  auto disk = workshop_ / (name + ".img");
  cfs_sign({"disk", "--store", workshop_ / "store", "--raw", "--size", "64M", "-o", disk});
  const auto other = workshop_ / (name + "-other.img");
  must({"cp", "--sparse=always", disk, other});
  must({"tune2fs", "-o", "nobarrier", other});
  StoreFileSystem(disk).leave_journal(read_bytes(other).substr(0, 4096));
  return disk;
}

std::filesystem::path SmallMachine::disk_with_image_in_inode(const std::string& name) const {
  auto disk = copy_of_store_disk(name);
  const StoreFileSystem file_system(disk);
  const std::string inode = "set_inode_field " + object_path(digest_);
  file_system.edit(inode + " flags 0x10000000");
  for (const char* const block :
       {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "IND", "DIND", "TIND"}) {
    file_system.edit(inode + " block[" + block + "] 0");
  }
  return disk;
}

std::filesystem::path SmallMachine::initramfs(const std::string& name, const std::string& policy_text,
                                              const std::string& kernel_suite,
                                              const std::vector<std::string>& options) const {
  const auto policy_file = workshop_ / (name + "-policy.toml");
  write(policy_file, policy_text);
  return make_initramfs({.policy = policy_file,
                         .keys = workshop_ / "keys",
                         .kernel = debian_kernel(kernel_suite),
                         .output = workshop_ / (name + "-initramfs.img")},
                        options);
}

const SmallMachine& small_machine() {
  static const SmallMachine machine;
  return machine;
}

void PrintTo(const SerialLog& log, std::ostream* stream) {
  *stream << "\n" << log.text;
}

std::string said(const SerialLog& log, const std::string& what) {
  const std::string prefix = "guest: " + what + ": ";
  std::string lines;
  for (std::size_t at = log.text.find(prefix); at != std::string::npos; at = log.text.find(prefix, at + 1)) {
    const auto begin = at + prefix.size();
    lines += log.text.substr(begin, log.text.find_first_of("\r\n", begin) - begin) + '\n';
  }
  return lines;
}

Machine start(const MachineOptions& options) {
  if (keeps_failed_tests()) {
    (void)std::printf("CFS_KEEP: %s\n", shell_line(qemu_command(options, SerialLine::terminal)).c_str());
  }
  auto machine = Machine::start(options);
  if (!machine) {
    throw std::runtime_error(machine.error().line());
  }
  return std::move(*machine);
}

SerialLog boot_until_off(const MachineOptions& options, std::chrono::seconds timeout) {
  Machine machine = start(options);
  const auto ended = machine.wait_exit(timeout);
  EXPECT_TRUE(ended) << ended.error().line();
  return {machine.log()};
}

SerialLog boot(const Boot& boot) {
  MachineOptions options;
  options.kernel = debian_kernel(boot.kernel_suite).image;
  options.initrd = boot.initramfs.empty() ? small_machine().default_initramfs() : boot.initramfs;
  options.cmdline = "console=" + serial_console() + " panic=-1 " + boot.cmdline;
  options.memory_mib = 512;
  options.processors = boot.processors;
  options.extra = boot.devices;
  if (boot.processors > 1) {
    options.acceleration = Acceleration::emulation_by_instructions;
  }
  for (const auto& disk : boot.disks) {
    options.disks.push_back(
        {.file = disk,
         .writes = boot.keep_changes ? MachineDisk::Writes::kept : MachineDisk::Writes::discarded});
  }
  Machine machine = start(options);
  if (const auto ended = machine.wait_exit(boot_timeout); !ended) {
    throw std::runtime_error(ended.error().line() + "\n" + machine.log());
  }
  return {machine.log()};
}

}  // namespace cfs::test
