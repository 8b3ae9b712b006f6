// SPDX-License-Identifier: Apache-2.0
// What is mounted of a verified image. Each kind of image is composed in a file of its own.
#pragma once

#include <string>

#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/kernel/kernel.hpp"
#include "cfs/mount/private_namespace.hpp"
#include "cfs/trust/manifest.hpp"
#include "cfs/trust/policy.hpp"
#include "cfs/trust/verify.hpp"

namespace cfs {

struct CompositionRequest {
  const VerifiedImage& image;
  const Fd& objects;  // of the store
  RootMode mode = RootMode::none;
  std::string name;  // that no other composition in the namespace has
};

// Mounts that are attached in the private namespace.
struct Composition {
  Fd metadata;            // the image itself
  Fd tree;                // composed of it and the objects
  std::string tree_name;  // PrivateNamespace::path() of it is where the tree lies
};

// Errors: those of Kernel::mount_image() and mount_overlay(), and Code::mount_failed.
[[nodiscard]] Result<Composition> compose(ImageKind kind, Kernel& kernel, PrivateNamespace& workspace,
                                          const CompositionRequest& request);

// ImageKind::composefs: EROFS below, the objects as a data-only layer of an overlay above.
[[nodiscard]] Result<Composition> compose_composefs(Kernel& kernel, PrivateNamespace& workspace,
                                                    const CompositionRequest& request);

}  // namespace cfs
