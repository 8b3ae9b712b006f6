#include "cfs/state.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "cfs/file.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

constexpr std::string_view machine_id_file = "machine-id";

// Opens DIRECTORY/NAME, making it first where it is missing.
Result<Fd> make_directory(const Fd& parent, const std::string& directory, mode_t mode) {
  if (::mkdirat(parent.get(), directory.c_str(), mode) != 0 && errno != EEXIST) {
    return fail_errno(Code::state_failed, cat("create ", directory));
  }
  return open_directory_beneath(parent, directory);
}

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
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
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

  Result<MachineId> build(const StateRequest& request) {
    Fd state;
    std::string id;
    auto outcome = MachineId::unmanaged;
    if (request.file_system != nullptr) {
      state = CFS_TRY(make_directory(*request.file_system, "composefs-state", 0755));
      id = stored_machine_id(state);
      outcome = id.empty() ? MachineId::created : MachineId::kept;
      if (id.empty()) {
        id = CFS_TRY(new_machine_id());
        CFS_TRY(write_machine_id(state, id));
      }
    }

    switch (request.etc) {
      case EtcMode::none:
        CFS_TRY(bind_machine_id(state, id));
        break;
      case EtcMode::transient:
        CFS_TRY(overlay("etc", *CFS_TRY(memory()), id));
        break;
      case EtcMode::overlay:
        CFS_TRY(overlay("etc", state, id));
        break;
    }
    switch (request.var) {
      case VarMode::none:
        break;
      case VarMode::transient:
        CFS_TRY(overlay("var", *CFS_TRY(memory()), {}));
        break;
      case VarMode::bind:
        CFS_TRY(make_directory(state, "var", 0755));
        CFS_TRY(kernel_.attach(CFS_TRY(kernel_.clone_tree(state, "var")), root_, "var"));
        break;
    }
    return outcome;
  }

 private:
  // A writable layer in memory, made when first asked for.
  Result<const Fd*> memory() {
    if (!memory_) {
      memory_ = CFS_TRY(kernel_.mount({.type = "tmpfs",
                                       .source = "composefs-root",
                                       .options = {{"mode", "0755"}},
                                       .superblock = Access::read_write,
                                       .mount = Access::read_write}));
      CFS_TRY(workspace_.attach(memory_, "memory"));
    }
    return &memory_;
  }

  // Lays PLACE/NAME/upper over the image's NAME.
  Result<> overlay(const std::string& name, const Fd& place, std::string_view machine_id) {
    const Fd lower = CFS_TRY(open_directory_beneath(image_, name));
    struct stat like{};
    if (::fstat(lower.get(), &like) != 0) {
      return fail_errno(Code::state_failed, cat("look at the image's ", name));
    }
    const Fd layers = CFS_TRY(make_directory(place, name, 0700));
    const Fd upper = CFS_TRY(make_directory(layers, "upper", 0700));
    const Fd work = CFS_TRY(make_directory(layers, "work", 0700));
    // The root of an overlay has the owner and mode of its upper directory.
    if (::fchownat(upper.get(), "", like.st_uid, like.st_gid, AT_EMPTY_PATH) != 0 ||
        ::fchmodat(layers.get(), "upper", like.st_mode & 07777, 0) != 0) {
      return fail_errno(Code::state_failed, cat("set the owner and mode of ", name));
    }
    if (!machine_id.empty() && stored_machine_id(upper) != machine_id) {
      CFS_TRY(write_machine_id(upper, machine_id));
    }
    const Fd mount =
        CFS_TRY(kernel_.mount_overlay({.lower = lower, .data = objects_, .upper = &upper, .work = &work}));
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
  Fd memory_;
};

}  // namespace

std::string_view name(MachineId outcome) noexcept {
  switch (outcome) {
    case MachineId::unmanaged:
      return "unmanaged";
    case MachineId::kept:
      return "kept";
    case MachineId::created:
      return "created";
  }
  return "";
}

bool is_machine_id(std::string_view text) noexcept {
  constexpr std::size_t digits = 32;
  return text.size() == digits + 1 && text.back() == '\n' &&
         text.find_first_not_of("0123456789abcdef") == digits && text.find_first_not_of('0') != digits;
}

Result<MachineId> set_up_state(Kernel& kernel, PrivateNamespace& workspace, const Fd& image,
                               const Fd& objects, const Fd& root, const StateRequest& request) {
  auto outcome = StateBuilder(kernel, workspace, image, objects, root).build(request);
  if (!outcome) {
    // Whatever call failed: it is the state that cannot be set up, and the context says which part of it.
    return fail(Code::state_failed, outcome.error().what());
  }
  return outcome;
}

}  // namespace cfs
