// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/verified_root.hpp"

#include <array>
#include <vector>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/read_ahead.hpp"
#include "cfs/decision/decision.hpp"
#include "cfs/device/block_device.hpp"
#include "cfs/device/block_disk.hpp"
#include "cfs/device/root_device.hpp"
#include "cfs/doors/doors.hpp"
#include "cfs/mount/composition.hpp"
#include "cfs/mount/handover.hpp"
#include "cfs/mount/hidden_mount.hpp"
#include "cfs/mount/private_namespace.hpp"
#include "cfs/state/state.hpp"
#include "cfs/store/completeness.hpp"
#include "cfs/store/store.hpp"

namespace cfs {

namespace {

// What an image of a boot is for.
enum class ImageRole : std::uint8_t { root };

// The images of a boot, in the order in which they are decided for and composed. The first is the root.
constexpr std::array pass{ImageRole::root};

// An image that was accepted, and what is mounted of it.
struct Image {
  ImageRole role;
  Decision decision;
  Composition composition;
  bool read_ahead = false;
};

// The store, open in a private namespace.
struct OpenStore {
  PrivateNamespace workspace;
  HiddenMount file_system;
  Store store;
  Fd objects;
};

struct ComposedImages {
  OpenStore store;
  std::vector<Image> images;

  [[nodiscard]] Image& root() { return images.front(); }
};

// What only this image can break.
Result<> accept(const Composition& composition, const Fd& objects, const Decision& decision,
                EnteredBy entered_by, const MeasureVerity& measure) {
  CFS_TRY(check_init(composition.tree, decision.init));
  if (entered_by == EnteredBy::systemd) {
    CFS_TRY(check_os_release(composition.tree));
  }
  const auto explain = [&](const std::string& path) {
    return check_object_of(composition.metadata, objects, path, measure);
  };
  CFS_TRY(check_completeness(composition.tree, decision.manifest.manifest().complete, explain));
  return {};
}

// Of a state with a device of its own.
constexpr std::string_view state_file_system = "ext4";

DeviceWait device_wait(const Policy& policy) {
  return {.timeout = policy.device_timeout, .removable = policy.doors.removable_devices};
}

// A disk that someone adds may have a partition of the state's name.
Result<> check_same_disk(const BlockDevice& state, const BlockDevice& store) {
  const BlockDisk of_state = CFS_TRY_IN(disk_of(state.device), printable(state.path));
  const BlockDisk of_store = CFS_TRY_IN(disk_of(store.device), printable(store.path));
  if (of_state.directory != of_store.directory) {
    return fail(Code::state_failed,
                cat(printable(state.path), " does not lie on the disk of the store, ", printable(store.path),
                    ", and the policy does not say state.disk = \"any\""),
                "detach the disk, or say so in the policy");
  }
  return {};
}

// The writable file system that holds the state.
struct StateFileSystem {
  Fd mount;
  std::string device;
};

Result<StateFileSystem> mount_state(const BootContext& boot, const HiddenMount& store) {
  const Policy& policy = boot.configuration.policy;
  if (policy.state.place.on == StatePlace::On::store) {
    Fd mount = CFS_TRY(boot.kernel.clone_tree(store.mount, ""));
    CFS_TRY(boot.kernel.set_access(mount, Access::read_write));
    return StateFileSystem{.mount = std::move(mount), .device = store.device.path};
  }
  BlockDevice device =
      CFS_TRY(wait_for_device(policy.state.place.device, device_wait(policy), boot.meanwhile));
  if (!policy.state.any_disk) {
    CFS_TRY(check_same_disk(device, store.device));
  }
  std::string path = device.path;
  HiddenMount hidden = CFS_TRY(mount_hidden(boot.kernel, std::move(device),
                                            {.file_system = std::string(state_file_system),
                                             .superblock = Access::read_write,
                                             .mount = Access::read_write}));
  return StateFileSystem{.mount = std::move(hidden.mount), .device = std::move(path)};
}

// Finds the store and opens it in a private namespace.
Result<OpenStore> open_store(const BootContext& boot) {
  const Policy& policy = boot.configuration.policy;
  BlockDevice device =
      CFS_TRY_IN(wait_for_device(boot.configuration.selection.store, device_wait(policy), boot.meanwhile),
                 "find the store");
  boot.clock.end<Stage::store_device>();

  // Where state shares the store's file system its superblock must be writable; the store's mount never is.
  const Access superblock =
      policy.state.place.on == StatePlace::On::store ? Access::read_write : Access::read_only;
  HiddenMount file_system =
      CFS_TRY_IN(mount_hidden(boot.kernel, std::move(device),
                              {.file_system = policy.store_file_system, .superblock = superblock}),
                 "mount the store");
  PrivateNamespace workspace = CFS_TRY(PrivateNamespace::enter(boot.kernel));
  CFS_TRY(workspace.attach(file_system.mount, "store"));
  Store store = CFS_TRY(Store::open_on(file_system.mount));
  Fd objects = CFS_TRY(store.objects());
  boot.clock.end<Stage::store_mount>();
  return OpenStore{.workspace = std::move(workspace),
                   .file_system = std::move(file_system),
                   .store = std::move(store),
                   .objects = std::move(objects)};
}

// Decides for an image and composes it.
Result<Image> compose_image(const BootContext& boot, OpenStore& store, ImageRole role) {
  const Policy& policy = boot.configuration.policy;
  std::size_t attempts = 0;
  Composition composition;
  bool read_ahead = false;
  const std::string release = Kernel::release();
  const DecisionInput input{
      .policy = policy,
      .keys = boot.configuration.keys,
      .selection = boot.configuration.selection,
      .kernel_release = release,
      .measure = [&](const Fd& file, HashAlgorithm) { return boot.kernel.measure_verity(file); }};
  Decision decision = CFS_TRY(decide(store.store, input, [&](const Decision& candidate) -> Result<> {
    boot.clock.end<Stage::verify>();
    const Manifest& manifest = candidate.manifest.manifest();
    const CompositionRequest request{.image = candidate.image,
                                     .objects = store.objects,
                                     .mode = policy.state.root,
                                     .name = cat(attempts++)};
    composition = CFS_TRY(compose(manifest.kind, boot.kernel, store.workspace, request));
    // Now, as the first that reads many files is the check of what must be complete.
    read_ahead = start_read_ahead(store.store, manifest.digest, store.file_system.device.path);
    return accept(composition, store.objects, candidate, boot.entered_by, input.measure);
  }));
  boot.clock.end<Stage::compose>();
  return Image{.role = role,
               .decision = std::move(decision),
               .composition = std::move(composition),
               .read_ahead = read_ahead};
}

// Everything that needs no state: finds the store, decides, composes.
Result<ComposedImages> compose_verified(const BootContext& boot) {
  OpenStore store = CFS_TRY(open_store(boot));
  ComposedImages composed{.store = std::move(store), .images = {}};
  for (const ImageRole role : pass) {
    composed.images.push_back(CFS_TRY(compose_image(boot, composed.store, role)));
  }
  return composed;
}

// What is known of a boot that has an accepted root, and no state yet.
Report report_of(const BootContext& boot, ComposedImages& composed) {
  const Policy& policy = boot.configuration.policy;
  Decision& decision = composed.root().decision;
  return {.candidate = std::move(decision.candidate),
          .image = decision.manifest.manifest(),
          .signers = decision.manifest.signers(),
          .refused = std::move(decision.refused),
          .store_device = composed.store.file_system.device.path,
          .read_ahead = composed.root().read_ahead,
          .root = policy.state.root,
          .etc = decision.manifest.etc(),
          .var = decision.manifest.var(),
          .state_device = {},
          .state = {},
          .open_doors = open_doors(policy.doors),
          .corruption = policy.failure.corruption,
          .mounts = {},
          .kernel_release = Kernel::release(),
          .kernel_features = boot.kernel.features(),
          .stages = boot.clock.stages()};
}

}  // namespace

Result<> publish_root(const Report& report) {
  CFS_TRY(write_report(report));
  return publish_root_device(report.store_device);
}

Result<Report> verify_root(const BootContext& boot) {
  ComposedImages composed = CFS_TRY(compose_verified(boot));
  CFS_TRY(composed.store.workspace.leave());
  return report_of(boot, composed);
}

Result<VerifiedRoot> make_verified_root(const BootContext& boot) {
  ComposedImages composed = CFS_TRY(compose_verified(boot));
  const Policy& policy = boot.configuration.policy;
  Image& image = composed.root();
  const Fd& tree = image.composition.tree;
  PrivateNamespace& workspace = composed.store.workspace;
  // A measurement of the decision belongs here: before any state is opened.

  StateFileSystem state;
  if (policy.state.place.on != StatePlace::On::nothing) {
    state = CFS_TRY_IN(mount_state(boot, composed.store.file_system), "mount the state");
    CFS_TRY(workspace.attach(state.mount, "state"));
  }
  const VerifiedManifest& manifest = image.decision.manifest;
  const StateRequest request{
      .etc = manifest.etc(),
      .var = manifest.var(),
      .var_limits = {.noexec = policy.state.noexec, .nosymfollow = policy.state.nosymfollow},
      .image = manifest.manifest().digest,
      .file_system = state.mount ? &state.mount : nullptr};
  const StateOutcome outcome = CFS_TRY_IN(
      set_up_state(boot.kernel, workspace, image.composition.metadata, composed.store.objects, tree, request),
      "set up the state");
  if (boot.entered_by == EnteredBy::systemd) {
    CFS_TRY(check_os_release(tree));  // once more: what was changed in /etc may hide it
  }
  boot.clock.end<Stage::state>();

  auto mounts = CFS_TRY(mounts_of_tree(CFS_TRY(read_file(mount_table_file, mount_table_max_bytes)),
                                       PrivateNamespace::path(image.composition.tree_name)));
  VerifiedRoot root;
  root.tree = CFS_TRY(boot.kernel.clone_tree(tree, ""));
  root.init = std::move(image.decision.init);
  CFS_TRY(workspace.leave());
  boot.clock.end<Stage::detach>();
  root.report = report_of(boot, composed);
  root.report.state_device = std::move(state.device);
  root.report.state = outcome;
  root.report.mounts = std::move(mounts);
  return root;
}

}  // namespace cfs
