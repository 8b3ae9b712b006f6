#include "cfs/verified_root.hpp"

#include "cfs/block_device.hpp"
#include "cfs/candidates.hpp"
#include "cfs/file.hpp"
#include "cfs/private_namespace.hpp"
#include "cfs/state.hpp"
#include "cfs/store.hpp"
#include "cfs/text.hpp"

namespace cfs {

namespace {

MountRequest device_mount(const BlockDevice& device, Access superblock) {
  return {.type = device.file_system, .source = device.path, .superblock = superblock};
}

// A root composed of an image and its objects, attached in the private namespace.
struct ComposedRoot {
  Fd image;
  Fd root;
};

Result<ComposedRoot> compose(Kernel& kernel, PrivateNamespace& workspace, const VerifiedImage& image,
                             const Fd& objects, std::size_t attempt) {
  ComposedRoot composed;
  composed.image = CFS_TRY_IN(kernel.mount_image(image), "mount the image");
  CFS_TRY(workspace.attach(composed.image, cat("image-", attempt)));
  composed.root =
      CFS_TRY_IN(kernel.mount_overlay({.lower = composed.image, .data = objects}), "compose the root");
  CFS_TRY(workspace.attach(composed.root, cat("root-", attempt)));
  return composed;
}

// The writable file system that holds the state.
Result<Fd> mount_state(Kernel& kernel, const Policy& policy, const Fd& store_mount, Report& report,
                       const std::function<void()>& meanwhile) {
  if (!policy.state.device) {  // it is on the store's
    report.state_device = report.store_device;
    Fd mount = CFS_TRY(kernel.clone_tree(store_mount, ""));
    CFS_TRY(kernel.set_access(mount, Access::read_write));
    return mount;
  }
  const BlockDevice device = CFS_TRY(wait_for_device(*policy.state.device, policy.device_timeout, meanwhile));
  report.state_device = device.path;
  MountRequest request = device_mount(device, Access::read_write);
  request.mount = Access::read_write;
  request.noexec = policy.state.noexec;
  return kernel.mount(request);
}

}  // namespace

Result<VerifiedRoot> make_verified_root(Kernel& kernel, const Policy& policy, std::span<const PublicKey> keys,
                                        const Selection& selection, Report& report,
                                        const std::function<void()>& meanwhile) {
  report.kernel_release = Kernel::release();

  const BlockDevice device =
      CFS_TRY_IN(wait_for_device(selection.store, policy.device_timeout, meanwhile), "find the store");
  report.store_device = device.path;
  report.end_stage("store-device");

  // Where state shares the store's file system its superblock must be writable; the store's mount never is.
  const Fd store_mount = CFS_TRY_IN(
      kernel.mount(device_mount(device, policy.state.on_store ? Access::read_write : Access::read_only)),
      "mount the store");
  PrivateNamespace workspace = CFS_TRY(PrivateNamespace::enter(kernel));
  CFS_TRY(workspace.attach(store_mount, "store"));
  const Store store = CFS_TRY(Store::open_on(store_mount));
  const Fd objects = CFS_TRY(store.objects());
  report.end_stage("store-mount");

  ComposedRoot composed;
  std::size_t attempts = 0;
  const DecisionInput input{
      .policy = policy,
      .keys = keys,
      .selection = selection,
      .kernel_release = report.kernel_release,
      .measure = [&](const Fd& file, HashAlgorithm) { return kernel.measure_verity(file); }};
  const Decision decision = CFS_TRY(decide(store, input, [&](const Decision& accepted) -> Result<> {
    report.end_stage("verify");
    composed = CFS_TRY(compose(kernel, workspace, accepted.image, objects, attempts++));
    return {};
  }));
  report.end_stage("compose");
  report.manifest = decision.candidate.manifest;
  report.slot = decision.candidate.slot;
  report.image = decision.manifest.manifest();
  report.signers = decision.manifest.signers();
  report.refused = decision.refused;
  report.etc = decision.manifest.etc();
  report.var = decision.manifest.var();

  Fd state;
  if (policy.state.on_store || policy.state.device) {
    state = CFS_TRY_IN(mount_state(kernel, policy, store_mount, report, meanwhile), "mount the state");
    CFS_TRY(workspace.attach(state, "state"));
  }
  const MachineId machine_id = CFS_TRY_IN(
      set_up_state(kernel, workspace, composed.image, objects, composed.root,
                   {.etc = report.etc, .var = report.var, .file_system = state ? &state : nullptr}),
      "set up the state");
  report.machine_id = name(machine_id);
  report.end_stage("state");

  VerifiedRoot root{.tree = CFS_TRY(kernel.clone_tree(composed.root, "")), .init = decision.init};
  CFS_TRY(workspace.leave());
  report.kernel_features = kernel.features();
  report.end_stage("detach");
  return root;
}

}  // namespace cfs
