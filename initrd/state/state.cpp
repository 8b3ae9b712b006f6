// SPDX-License-Identifier: Apache-2.0
#include "cfs/state/state.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>

#include "cfs/base/directory_tree.hpp"
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/base/words.hpp"
#include "cfs/mount/upper_layer.hpp"
#include "cfs/state/state_directory.hpp"

namespace cfs {

namespace {

constexpr std::string_view machine_id_file = "machine-id";
// Of each boot, for what was thrown away: hardly noticed, and enough for thousands of files.
constexpr std::chrono::milliseconds trash_time{200};

// Replaces DIRECTORY/machine-id, complete and durable or not at all.
Result<> write_machine_id(const Fd& directory, std::string_view id) {
  const std::string name(machine_id_file);
  const std::string temporary = cat('.', name, ".new");
  if (::unlinkat(directory.get(), temporary.c_str(), 0) != 0 && errno != ENOENT) {
    return fail_errno(Code::state_failed, cat("remove ", temporary));
  }
  const Fd file(::openat(directory.get(), temporary.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0444));
  if (!file) {
    return fail_errno(Code::state_failed, cat("create ", temporary));
  }
  CFS_TRY_IN(write_all(file, id), temporary);
  if (::fsync(file.get()) != 0 ||
      ::renameat(directory.get(), temporary.c_str(), directory.get(), name.c_str()) != 0) {
    return fail_errno(Code::state_failed, cat("write ", name));
  }
  return {};
}

// The id of a state directory that has one. Anything else there is as good as nothing: the disk is not
// trusted, and a machine without an id cannot log.
std::string stored_machine_id(const Fd& directory) {
  const auto file = open_file_beneath(directory, std::string(machine_id_file));
  auto text = file ? read_all(*file, 64) : Result<std::string>(std::string());
  return text && is_machine_id(*text) ? *std::move(text) : std::string();
}

Result<std::string> new_machine_id() {
  std::array<unsigned char, 16> random{};
  if (::getrandom(random.data(), random.size(), 0) < 0) {  // of 256 bytes or fewer, it gives all or none
    return fail_errno(Code::state_failed, "make a random machine id");
  }
  // A version 4 UUID, as machine-id(5) recommends.
  random[6] = static_cast<unsigned char>((random[6] & 0x0f) | 0x40);
  random[8] = static_cast<unsigned char>((random[8] & 0x3f) | 0x80);
  return to_hex(random) + '\n';
}

class StateBuilder {
 public:
  StateBuilder(Kernel& kernel, PrivateNamespace& workspace, const Fd& image, const Fd& objects,
               const Fd& root)
      : kernel_(kernel), workspace_(workspace), image_(image), objects_(objects), root_(root) {}

  Result<StateOutcome> build(const StateRequest& request) {
    StateOutcome outcome;
    std::optional<StateDirectory> persistent;
    std::string id;
    if (request.file_system != nullptr) {
      persistent.emplace(CFS_TRY(StateDirectory::open(*request.file_system)));
      outcome.factory_reset = persistent->was_reset();
      id = stored_machine_id(persistent->fd());
      outcome.machine_id = id.empty() ? MachineId::created : MachineId::kept;
      if (id.empty()) {
        id = CFS_TRY(new_machine_id());
        CFS_TRY(write_machine_id(persistent->fd(), id));
      }
    } else if (request.etc == EtcMode::overlay || request.var == VarMode::bind) {
      return fail(Code::state_failed,
                  "the image wants state that persists, and the policy names no place for it");
    }

    switch (request.etc) {
      case EtcMode::none:
        if (persistent) {
          CFS_TRY(bind_machine_id(persistent->fd(), id));
        }
        break;
      case EtcMode::transient:
        CFS_TRY(transient("etc", id));
        break;
      case EtcMode::overlay: {
        const Fd lower = CFS_TRY(open_directory_beneath(image_, "etc"));
        const auto etc = CFS_TRY(persistent->etc(request.image, lower, objects_));
        outcome.etc_upper = etc.upper;
        CFS_TRY(overlay("etc", lower, etc.layers, id));
        break;
      }
    }
    switch (request.var) {
      case VarMode::none:
        break;
      case VarMode::transient:
        CFS_TRY(transient("var", {}, request.var_limits));
        break;
      case VarMode::bind: {
        CFS_TRY(persistent->fill_var(CFS_TRY(open_directory_beneath(root_, "var"))));
        const Fd mount = CFS_TRY(kernel_.clone_tree(persistent->fd(), "var"));
        CFS_TRY(kernel_.limit(mount, request.var_limits));
        CFS_TRY(kernel_.attach(mount, root_, "var"));
        break;
      }
    }
    if (persistent) {
      persistent->empty_trash(trash_time);
    }
    return outcome;
  }

 private:
  // Lays an upper layer in memory over the image's NAME.
  Result<> transient(const std::string& name, std::string_view machine_id, const MountLimits& limits = {}) {
    const Fd lower = CFS_TRY(open_directory_beneath(image_, name));
    const Fd layers = CFS_TRY(make_upper(*CFS_TRY(workspace_.memory()), name, lower));
    return overlay(name, lower, layers, machine_id, limits);
  }

  // Lays LAYERS/upper over the image's NAME.
  Result<> overlay(const std::string& name, const Fd& lower, const Fd& layers, std::string_view machine_id,
                   const MountLimits& limits = {}) {
    const Fd upper = CFS_TRY(open_directory_beneath(layers, "upper"));
    const Fd work = CFS_TRY(open_directory_beneath(layers, "work"));
    if (!machine_id.empty() && stored_machine_id(upper) != machine_id) {
      CFS_TRY(write_machine_id(upper, machine_id));
    }
    const Fd mount =
        CFS_TRY(kernel_.mount_overlay({.lower = lower, .data = objects_, .upper = &upper, .work = &work}));
    CFS_TRY(kernel_.limit(mount, limits));
    return kernel_.attach(mount, root_, name);
  }

  Result<> bind_machine_id(const Fd& state, std::string_view id) {
    if (id.empty()) {
      return {};
    }
    const Fd file = CFS_TRY(kernel_.clone_tree(state, std::string(machine_id_file)));
    CFS_TRY(kernel_.set_access(file, Access::read_only));
    CFS_TRY_IN(kernel_.attach(file, root_, "etc/machine-id"), "the image needs an empty /etc/machine-id");
    return {};
  }

  Kernel& kernel_;
  PrivateNamespace& workspace_;
  const Fd& image_;
  const Fd& objects_;
  const Fd& root_;
};

constexpr auto machine_id_words = std::to_array<Word<MachineId>>(
    {{MachineId::unmanaged, "unmanaged"}, {MachineId::kept, "kept"}, {MachineId::created, "created"}});

}  // namespace

std::string_view name(MachineId outcome) noexcept {
  return word_of(machine_id_words, outcome);
}

bool is_machine_id(std::string_view text) noexcept {
  constexpr std::size_t digits = 32;
  return text.size() == digits + 1 && text.back() == '\n' &&
         text.find_first_not_of("0123456789abcdef") == digits && text.find_first_not_of('0') != digits;
}

Result<StateOutcome> set_up_state(Kernel& kernel, PrivateNamespace& workspace, const Fd& image,
                                  const Fd& objects, const Fd& root, const StateRequest& request) {
  auto outcome = StateBuilder(kernel, workspace, image, objects, root).build(request);
  if (!outcome) {
    // Whatever call failed: it is the state that cannot be set up, and the context says which part of it.
    return fail(Code::state_failed, outcome.error().what());
  }
  return outcome;
}

}  // namespace cfs
