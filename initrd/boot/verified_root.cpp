// SPDX-License-Identifier: Apache-2.0
#include "cfs/boot/verified_root.hpp"

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/boot/read_ahead.hpp"
#include "cfs/decision/decision.hpp"
#include "cfs/device/block_device.hpp"
#include "cfs/device/block_disk.hpp"
#include "cfs/device/root_device.hpp"
#include "cfs/doors/doors.hpp"
#include "cfs/mount/handover.hpp"
#include "cfs/mount/hidden_mount.hpp"
#include "cfs/mount/private_namespace.hpp"
#include "cfs/state/state.hpp"
#include "cfs/store/completeness.hpp"
#include "cfs/store/store.hpp"

namespace cfs {

namespace {

// A root composed of an image and its objects, attached in a private namespace with all that it is made of.
struct ComposedRoot {
  PrivateNamespace workspace;
  HiddenMount store_file_system;
  Store store;
  Fd objects;
  Fd image{};
  Fd root{};
  std::string root_name{};  // in the workspace
  std::string init{};
};

Result<> compose(Kernel& kernel, const VerifiedImage& image, RootMode mode, ComposedRoot& composed,
                 std::size_t attempt) {
  composed.image = CFS_TRY_IN(kernel.mount_image(image), "mount the image");
  CFS_TRY(composed.workspace.attach(composed.image, cat("image-", attempt)));
  composed.root_name = cat("root-", attempt);
  OverlayLayers layers{.lower = composed.image, .data = composed.objects, .trusted = true};
  Fd upper;
  Fd work;
  if (mode == RootMode::transient) {
    const Fd place =
        CFS_TRY(make_upper(*CFS_TRY(composed.workspace.memory()), composed.root_name, composed.image));
    upper = CFS_TRY(open_directory_beneath(place, "upper"));
    work = CFS_TRY(open_directory_beneath(place, "work"));
    layers.upper = &upper;
    layers.work = &work;
  }
  composed.root = CFS_TRY_IN(kernel.mount_overlay(layers), "compose the root");
  return composed.workspace.attach(composed.root, composed.root_name);
}

// What only this image can break.
Result<> accept(const ComposedRoot& composed, const Decision& decision, EnteredBy entered_by,
                const MeasureVerity& measure) {
  CFS_TRY(check_init(composed.root, decision.init));
  if (entered_by == EnteredBy::systemd) {
    CFS_TRY(check_os_release(composed.root));
  }
  const auto explain = [&](const std::string& path) {
    return check_object_of(composed.image, composed.objects, path, measure);
  };
  CFS_TRY(check_completeness(composed.root, decision.manifest.manifest().complete, explain));
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
                    ", and the policy does not say state.disk = \"any\""));
  }
  return {};
}

// The writable file system that holds the state.
Result<Fd> mount_state(Kernel& kernel, const Policy& policy, const HiddenMount& store, Report& report,
                       const std::function<void()>& meanwhile) {
  if (!policy.state.device) {  // it is on the store's
    report.state_device = report.store_device;
    Fd mount = CFS_TRY(kernel.clone_tree(store.mount, ""));
    CFS_TRY(kernel.set_access(mount, Access::read_write));
    return mount;
  }
  BlockDevice device = CFS_TRY(wait_for_device(*policy.state.device, device_wait(policy), meanwhile));
  report.state_device = device.path;
  if (!policy.state.any_disk) {
    CFS_TRY(check_same_disk(device, store.device));
  }
  return CFS_TRY(mount_hidden(kernel, std::move(device),
                              {.file_system = std::string(state_file_system),
                               .superblock = Access::read_write,
                               .mount = Access::read_write}))
      .mount;
}

// Everything that needs no state: finds the store, decides, composes.
Result<ComposedRoot> compose_verified(Kernel& kernel, const Configuration& configuration,
                                      EnteredBy entered_by, Report& report,
                                      const std::function<void()>& meanwhile) {
  const Policy& policy = configuration.policy;
  report.kernel_release = Kernel::release();
  report.open_doors = open_doors(policy.doors);

  BlockDevice device = CFS_TRY_IN(
      wait_for_device(configuration.selection.store, device_wait(policy), meanwhile), "find the store");
  report.store_device = device.path;
  report.end_stage<Stage::store_device>();

  // Where state shares the store's file system its superblock must be writable; the store's mount never is.
  const Access superblock = policy.state.on_store ? Access::read_write : Access::read_only;
  HiddenMount file_system =
      CFS_TRY_IN(mount_hidden(kernel, std::move(device),
                              {.file_system = policy.store_file_system, .superblock = superblock}),
                 "mount the store");
  PrivateNamespace workspace = CFS_TRY(PrivateNamespace::enter(kernel));
  CFS_TRY(workspace.attach(file_system.mount, "store"));
  Store store = CFS_TRY(Store::open_on(file_system.mount));
  Fd objects = CFS_TRY(store.objects());
  ComposedRoot composed{.workspace = std::move(workspace),
                        .store_file_system = std::move(file_system),
                        .store = std::move(store),
                        .objects = std::move(objects)};
  report.end_stage<Stage::store_mount>();

  std::size_t attempts = 0;
  const DecisionInput input{
      .policy = policy,
      .keys = configuration.keys,
      .selection = configuration.selection,
      .kernel_release = report.kernel_release,
      .measure = [&](const Fd& file, HashAlgorithm) { return kernel.measure_verity(file); }};
  const Decision decision = CFS_TRY(decide(composed.store, input, [&](const Decision& accepted) -> Result<> {
    report.end_stage<Stage::verify>();
    CFS_TRY(compose(kernel, accepted.image, policy.state.root, composed, attempts++));
    // Now, as the first that reads many files is the check of what must be complete.
    report.read_ahead =
        start_read_ahead(composed.store, accepted.manifest.manifest().digest, report.store_device);
    return accept(composed, accepted, entered_by, input.measure);
  }));
  report.end_stage<Stage::compose>();
  report.manifest = decision.candidate.manifest;
  report.slot = decision.candidate.slot;
  report.image = decision.manifest.manifest();
  report.signers = decision.manifest.signers();
  report.refused = decision.refused;
  report.root = policy.state.root;
  report.etc = decision.manifest.etc();
  report.var = decision.manifest.var();
  report.corruption = policy.failure.corruption;
  composed.init = decision.init;
  return composed;
}

}  // namespace

Result<> publish_root(const Report& report) {
  CFS_TRY(write_report(report));
  return publish_root_device(report.store_device);
}

Result<> verify_root(Kernel& kernel, const Configuration& configuration, EnteredBy entered_by, Report& report,
                     const std::function<void()>& meanwhile) {
  return CFS_TRY(compose_verified(kernel, configuration, entered_by, report, meanwhile)).workspace.leave();
}

Result<VerifiedRoot> make_verified_root(Kernel& kernel, const Configuration& configuration,
                                        EnteredBy entered_by, Report& report,
                                        const std::function<void()>& meanwhile) {
  ComposedRoot composed = CFS_TRY(compose_verified(kernel, configuration, entered_by, report, meanwhile));
  const Policy& policy = configuration.policy;

  Fd state;
  if (policy.state.on_store || policy.state.device) {
    state = CFS_TRY_IN(mount_state(kernel, policy, composed.store_file_system, report, meanwhile),
                       "mount the state");
    CFS_TRY(composed.workspace.attach(state, "state"));
  }
  report.state = CFS_TRY_IN(
      set_up_state(kernel, composed.workspace, composed.image, composed.objects, composed.root,
                   {.etc = report.etc,
                    .var = report.var,
                    .var_limits = {.noexec = policy.state.noexec, .nosymfollow = policy.state.nosymfollow},
                    .image = report.image.digest,
                    .file_system = state ? &state : nullptr}),
      "set up the state");
  if (entered_by == EnteredBy::systemd) {
    CFS_TRY(check_os_release(composed.root));  // once more: what was changed in /etc may hide it
  }
  report.end_stage<Stage::state>();

  report.mounts = CFS_TRY(mounts_of_tree(CFS_TRY(read_file(mount_table_file, mount_table_max_bytes)),
                                         PrivateNamespace::path(composed.root_name)));
  VerifiedRoot root{.tree = CFS_TRY(kernel.clone_tree(composed.root, "")), .init = composed.init};
  CFS_TRY(composed.workspace.leave());
  report.kernel_features = kernel.features();
  report.end_stage<Stage::detach>();
  return root;
}

}  // namespace cfs
