// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <array>

#include "cfs/base/text.hpp"
#include "kernel/fs_context.hpp"

namespace cfs {

namespace {

// How the layers of an overlay are named, best first.
enum LayerInterface : std::uint8_t {
  layer_fd,      // FSCONFIG_SET_FD lowerdir+, datadir+: Linux 6.13
  layer_append,  // lowerdir+=PATH, datadir+=PATH: Linux 6.7
  layer_string,  // lowerdir=LOWER::DATA: Linux 6.5
};
constexpr std::array<std::string_view, 3> interface_names{"overlay-layer-fd", "overlay-layer-append",
                                                          "overlay-layer-string"};

}  // namespace

Result<Fd> Kernel::try_overlay(const OverlayLayers& layers, int interface, bool& reached_create) {
  FsContext context = CFS_TRY(FsContext::open("overlay"));
  CFS_TRY(context.set({"source", "composefs-root"}));
  CFS_TRY(context.set({"metacopy", "on"}));
  CFS_TRY(context.set({"redirect_dir", "on"}));
  CFS_TRY(context.set({"verity", "require"}));
  switch (interface) {
    case layer_fd:
      CFS_TRY(context.set_fd("lowerdir+", layers.lower));
      CFS_TRY(context.set_fd("datadir+", layers.data));
      break;
    case layer_append:
      CFS_TRY(context.set({"lowerdir+", fd_path(layers.lower)}));
      CFS_TRY(context.set({"datadir+", fd_path(layers.data)}));
      break;
    default:
      CFS_TRY(context.set({"lowerdir", cat(fd_path(layers.lower), "::", fd_path(layers.data))}));
  }
  MountRequest request{.type = "overlay", .source = ""};
  if (layers.upper != nullptr) {
    CFS_TRY(context.set({"upperdir", fd_path(*layers.upper)}));
    CFS_TRY(context.set({"workdir", fd_path(*layers.work)}));
    request.mount = Access::read_write;
    request.trusted = layers.trusted;
  } else {
    CFS_TRY(context.set({"ro", std::nullopt}));
    request.trusted = true;  // its device nodes and set-uid programs are part of the verified image
  }
  reached_create = true;
  CFS_TRY(context.create());
  return context.mount(mount_attributes(request));
}

Result<Fd> Kernel::mount_overlay(const OverlayLayers& layers) {
  Error refusal(Code::mount_failed, {});
  bool decisive = false;
  for (const int interface : {layer_fd, layer_append, layer_string}) {
    bool reached_create = false;
    auto mounted = try_overlay(layers, interface, reached_create);
    if (mounted) {
      used(interface_names[static_cast<std::size_t>(interface)]);
      return mounted;
    }
    // What to report: the words of the best interface, or of the first that got as far as creating the
    // overlay.
    if (interface == layer_fd || (reached_create && !decisive)) {
      refusal = std::move(mounted.error());
      decisive = reached_create;
    }
  }
  const std::string missing = missing_overlay_features(layers);
  if (!missing.empty()) {
    return fail(Code::kernel_feature, cat("the running kernel ", release(), " has no ", missing));
  }
  return tl::unexpected(std::move(refusal));
}

// Kernels before 6.5 take any option and answer a bare EINVAL when the overlay is created, so the only way to
// learn what they lack is to ask for one thing at a time.
std::string Kernel::missing_overlay_features(const OverlayLayers& layers) {
  const auto works = [&](std::string_view separator, bool verity) {
    auto context = FsContext::open("overlay");
    return context && context->set({"source", "composefs-root"}) && context->set({"metacopy", "on"}) &&
           context->set({"redirect_dir", "on"}) && (!verity || context->set({"verity", "require"})) &&
           context->set({"lowerdir", cat(fd_path(layers.lower), separator, fd_path(layers.data))}) &&
           context->set({"ro", std::nullopt}) && context->create();
  };
  if (!FsContext::open("overlay")) {
    return "overlayfs";
  }
  if (!works(":", false)) {
    return {};  // something else is wrong
  }
  std::string missing;
  if (!works("::", false)) {
    missing = "overlayfs data-only layers (Linux 6.5)";
  }
  if (!works(":", true)) {
    missing += cat(missing.empty() ? "" : " and no ", "overlayfs verity=require (Linux 6.6)");
  }
  return missing;
}

}  // namespace cfs
