// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/mount/composition.hpp"
#include "cfs/mount/upper_layer.hpp"

namespace cfs {

Result<Composition> compose_composefs(Kernel& kernel, PrivateNamespace& workspace,
                                      const CompositionRequest& request) {
  Composition composition;
  composition.metadata = CFS_TRY_IN(kernel.mount_image(request.image), "mount the image");
  CFS_TRY(workspace.attach(composition.metadata, cat("image-", request.name)));
  composition.tree_name = cat("root-", request.name);
  OverlayLayers layers{.lower = composition.metadata, .data = request.objects, .trusted = true};
  Fd upper;
  Fd work;
  if (request.mode == RootMode::transient) {
    const Fd place =
        CFS_TRY(make_upper(*CFS_TRY(workspace.memory()), composition.tree_name, composition.metadata));
    upper = CFS_TRY(open_directory_beneath(place, "upper"));
    work = CFS_TRY(open_directory_beneath(place, "work"));
    layers.upper = &upper;
    layers.work = &work;
  }
  composition.tree = CFS_TRY_IN(kernel.mount_overlay(layers), "compose the root");
  CFS_TRY(workspace.attach(composition.tree, composition.tree_name));
  return composition;
}

}  // namespace cfs
