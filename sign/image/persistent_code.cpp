// SPDX-License-Identifier: Apache-2.0
#include "cfs/image/persistent_code.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

enum class Sign : std::uint8_t {
  unit,     // the image has a unit of this name
  enabled,  // and it is started without being asked for: it lies in a directory UNIT.wants, say
  program,  // the image has this file
  link,     // this path is a symbolic link into /var
};

struct Rule {
  std::string_view what;
  Sign sign;
  std::string_view name;
  std::string_view means;
};

constexpr std::string_view cron_means = "commands in /var/spool/cron run as root";
constexpr std::string_view at_means = "commands in /var/spool/at and /var/spool/cron/atjobs run as root";
constexpr std::string_view container_means = "containers and their images lie in /var, and start from there";

// Of units that systemd itself brings, only enabled ones count: every image has them.
constexpr auto rules = std::to_array<Rule>({
    {"cron", Sign::unit, "cron.service", cron_means},
    {"cron", Sign::unit, "crond.service", cron_means},
    {"cron", Sign::unit, "cronie.service", cron_means},
    {"cron", Sign::unit, "fcron.service", "commands in /var/spool/fcron run as root"},
    {"incron", Sign::unit, "incron.service", "commands in /var/spool/incron run as root"},
    {"at", Sign::unit, "atd.service", at_means},
    {"system extensions", Sign::enabled, "systemd-sysext.service",
     "directories in /var/lib/extensions are laid over /usr, where the policy opens that door"},
    {"configuration extensions", Sign::enabled, "systemd-confext.service",
     "directories in /var/lib/confexts are laid over /etc, where the policy opens that door"},
    {"machines", Sign::enabled, "machines.target",
     "system trees in /var/lib/machines start with the machine, where the policy opens that door"},
    {"home directories", Sign::enabled, "systemd-homed.service",
     "accounts, with their groups and shells, lie in /var/lib/systemd/home"},
    {"cloud-init", Sign::unit, "cloud-init.service", "scripts in /var/lib/cloud run as root"},
    {"cloud-init", Sign::unit, "cloud-init-main.service", "scripts in /var/lib/cloud run as root"},
    {"Docker", Sign::unit, "docker.service", container_means},
    {"containerd", Sign::unit, "containerd.service", container_means},
    {"CRI-O", Sign::unit, "crio.service", container_means},
    {"Kubernetes", Sign::unit, "kubelet.service", "pods in /var/lib/kubelet start as it says"},
    {"Podman", Sign::program, "/usr/bin/podman", container_means},
    {"LXC", Sign::unit, "lxc.service", container_means},
    {"Incus", Sign::unit, "incus.service", container_means},
    {"libvirt", Sign::unit, "libvirtd.service", "machines in /var/lib/libvirt start as they say there"},
    {"snap", Sign::unit, "snapd.service", "snaps in /var/lib/snapd run, also as root"},
    {"Flatpak", Sign::program, "/usr/bin/flatpak", "applications lie in /var/lib/flatpak"},
    {"DKMS", Sign::unit, "dkms.service", "kernel modules are built from /var/lib/dkms"},
    {"root's home", Sign::link, "/root", "the start-up files of root's shell, and its SSH keys, lie in /var"},
    {"home directories", Sign::link, "/home", "programs, start-up files and SSH keys of users lie in /var"},
    {"/usr/local", Sign::link, "/usr/local", "programs that are found before those of /usr lie in /var"},
    {"/opt", Sign::link, "/opt", "programs lie in /var"},
    {"/srv", Sign::link, "/srv", "what services serve, and may execute, lies in /var"},
});

constexpr auto unit_directories =
    std::to_array<std::string_view>({"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
                                     "/usr/local/lib/systemd/system"});

class Image {
 public:
  explicit Image(const FileTree& tree) : tree_(tree) {}

  // The file that shows it.
  [[nodiscard]] std::optional<std::string> find(const Rule& rule) const {
    const std::string name(rule.name);
    switch (rule.sign) {
      case Sign::unit:
        return find_unit(name);
      case Sign::enabled:
        return find_enabled(name);
      case Sign::program:
        return existing(name);
      case Sign::link:
        return leads_into_var(name) ? std::optional(name) : std::nullopt;
    }
    return std::nullopt;
  }

 private:
  // The first in systemd's order counts, also when it is a mask.
  [[nodiscard]] std::optional<std::string> find_unit(const std::string& unit) const {
    for (const std::string_view directory : unit_directories) {
      if (const std::string path = cat(directory, '/', unit); inode(path) != nullptr) {
        return existing(path);
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<std::string> find_enabled(const std::string& unit) const {
    for (const std::string_view directory : unit_directories) {
      if (auto found = enabled_in(std::string(directory), unit)) {
        return found;
      }
    }
    return std::nullopt;
  }

  // The inode of a path, of whose directories none is reached through a link.
  [[nodiscard]] const Inode* inode(std::string_view path) const {
    const Inode* at = &tree_.inodes.front();
    for (const std::string_view name : split(path.substr(1), '/')) {
      const auto* const directory = std::get_if<Directory>(&at->content);
      if (directory == nullptr) {
        return nullptr;
      }
      const auto entry = std::ranges::lower_bound(*directory, name, {}, &DirectoryEntry::name);
      if (entry == directory->end() || entry->name != name) {
        return nullptr;
      }
      at = &tree_.inodes[entry->inode];
    }
    return at;
  }

  // A link to /dev/null is a mask.
  [[nodiscard]] std::optional<std::string> existing(const std::string& path) const {
    const Inode* const found = inode(path);
    if (found == nullptr || target(*found) == "/dev/null") {
      return std::nullopt;
    }
    return path;
  }

  [[nodiscard]] std::optional<std::string> enabled_in(const std::string& directory,
                                                      const std::string& unit) const {
    const Inode* const found = inode(directory);
    const auto* const entries = found == nullptr ? nullptr : std::get_if<Directory>(&found->content);
    if (entries != nullptr) {
      for (const DirectoryEntry& entry : *entries) {
        const std::string_view name = entry.name;
        if (name.ends_with(".wants") || name.ends_with(".requires") || name.ends_with(".upholds")) {
          if (auto link = existing(cat(directory, '/', name, '/', unit))) {
            return link;
          }
        }
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] static std::string_view target(const Inode& inode) {
    const auto* const text = inode.is(S_IFLNK) ? std::get_if<std::string>(&inode.content) : nullptr;
    return text == nullptr ? std::string_view() : std::string_view(*text);
  }

  [[nodiscard]] bool leads_into_var(const std::string& path) const {
    const Inode* const found = inode(path);
    std::string_view to = found == nullptr ? std::string_view() : target(*found);
    while (to.starts_with('/') || to.starts_with("../")) {
      to.remove_prefix(to.starts_with('/') ? 1 : 3);
    }
    return to == "var" || to.starts_with("var/");
  }

  const FileTree& tree_;
};

}  // namespace

std::vector<PersistentCode> find_persistent_code(const FileTree& image, EtcMode etc, VarMode var) {
  std::vector<PersistentCode> found;
  if (etc == EtcMode::overlay) {
    found.push_back({"a persistent /etc", "/etc",
                     "units, generators, ld.so.preload and everything else there decide what runs"});
  }
  if (var == VarMode::bind) {
    const Image looked_at(image);
    for (const Rule& rule : rules) {
      if (auto path = looked_at.find(rule)) {
        found.push_back({std::string(rule.what), *std::move(path), std::string(rule.means)});
      }
    }
  }
  return found;
}

}  // namespace cfs
