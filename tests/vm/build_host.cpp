// SPDX-License-Identifier: Apache-2.0
#include "build_host.hpp"

#include <stdexcept>

namespace cfs::test {

namespace {

constexpr std::string_view unit_directory = "usr/lib/systemd/system/";

}  // namespace

BuildHost::BuildHost(const Suites& suites, const std::filesystem::path& key, std::string_view policy_text)
    : kernel_(debian_kernel(suites.kernel)) {
  std::vector<std::string> packages{"dracut-core"};
  if (suites.system == std::string("sid")) {
    packages.emplace_back("cpio");  // of which newer packages of dracut can do without
  }
  make_debian_root(suites, packages, root_);
  for (const char* component : {"initrd", "dracut", "sign"}) {
    install(component, root_);
  }
  must({"cp", "-a", kernel_.modules, root_ / "usr/lib/modules"});
  const auto configuration = root_ / "etc/composefs-root";
  std::filesystem::create_directories(configuration / "keys");
  std::filesystem::copy_file(key, configuration / "keys" / key.filename());
  write(policy(), policy_text);
}

void BuildHost::add_unit(const std::string& name, std::string_view text, const std::string& target) const {
  const auto units = root_ / "include" / unit_directory;
  std::filesystem::create_directories(units / (target + ".requires"));
  write(units / name, text);
  std::filesystem::create_symlink("../" + name, units / (target + ".requires") / name);
}

Outcome BuildHost::dracut(const std::string& modules, const std::vector<std::string>& options) const {
  std::filesystem::create_directories(root_ / "include");
  std::vector<std::string> command{"dracut", "--force", "--no-hostonly", "--include", "/include", "/"};
  command.insert(command.end(), {"--kver", kernel_.modules.filename(), "--gzip", "--modules", modules});
  command.insert(command.end(), options.begin(), options.end());
  command.emplace_back("/initrd.img");
  return run_in(root_, command);
}

std::filesystem::path made_initrd(const BuildHost& host, const std::string& modules,
                                  const std::vector<std::string>& options) {
  const Outcome made = host.dracut(modules, options);
  if (made.status != 0) {
    throw std::runtime_error("dracut failed: " + made.output + made.errors);
  }
  return host.initrd();
}

}  // namespace cfs::test
