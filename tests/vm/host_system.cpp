// SPDX-License-Identifier: Apache-2.0
#include "host_system.hpp"

namespace cfs::test {

HostSystem::HostSystem(std::string_view policy, const std::vector<std::string>& packages,
                       const Suites& suites)
    : kernel_(debian_kernel(suites.kernel)) {
  make_debian_root(suites, packages, root());
  install("host", root());
  const auto modules = root() / "usr/lib/modules";
  if (!std::filesystem::exists(modules / kernel_.modules.filename())) {
    must({"cp", "-a", kernel_.modules, modules});
  }
  // Services of systemd 252 with private devices need a /tmp that is writable.
  const auto units = root() / "usr/lib/systemd/system";
  if (!std::filesystem::exists(units / "tmp.mount")) {
    std::filesystem::copy_file(root() / "usr/share/systemd/tmp.mount", units / "tmp.mount");
    std::filesystem::create_symlink("../tmp.mount", units / "local-fs.target.wants/tmp.mount");
  }
  // On a busy build host, devices take their time to appear.
  std::filesystem::create_directories(root() / "usr/lib/systemd/system.conf.d");
  write(root() / "usr/lib/systemd/system.conf.d/50-patience.conf",
        "[Manager]\nDefaultDeviceTimeoutSec=400\nDefaultTimeoutStartSec=400\n");
  cfs_sign({"keygen", workshop_ / "device"});
  std::filesystem::create_directories(configuration() / "keys");
  std::filesystem::copy_file(workshop_ / "device.pub", public_key());
  write(configuration() / "policy.toml", policy);
}

std::string HostSystem::policy(const std::string& state_device) {
  return "image-id = \"demo\"\n"
         "store = \"PARTLABEL=composefs-store\"\n"
         "device-timeout = 120\n"
         "[state]\n"
         "etc = \"overlay\"\n"
         "var = \"bind\"\n"
         "device = \"" +
         state_device +
         "\"\n"
         "[failure]\n"
         "action = \"poweroff\"\n" +
         test_words;
}

std::string HostSystem::add_image(const std::string& name, const std::string& slot,
                                  const std::string& var) const {
  std::string digest = test::add_image(store(), root(), name, key(), {"--etc", "overlay", "--var", var});
  cfs_sign({"slot", "--store", store(), slot, name});
  return digest;
}

void HostSystem::make_disk(const std::vector<std::string>& options) const {
  std::vector<std::string> command{"disk", "--store", store(), "-o", disk()};
  command.insert(command.end(), options.begin(), options.end());
  cfs_sign(command);
}

std::filesystem::path HostSystem::initramfs() const {
  return make_initramfs({.policy = configuration() / "policy.toml",
                         .keys = configuration() / "keys",
                         .kernel = kernel_,
                         .output = workshop_ / "initramfs.img"});
}

MachineOptions HostSystem::machine(const std::filesystem::path& initramfs) const {
  MachineOptions options;
  options.kernel = kernel_.image;
  options.initrd = initramfs;
  options.cmdline = "console=" + serial_console() + " panic=-1 systemd.firstboot=off quiet";
  options.disks.push_back({.file = disk(), .writes = MachineDisk::Writes::kept});
  return options;
}

}  // namespace cfs::test
