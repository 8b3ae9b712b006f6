// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/composition.hpp"

namespace cfs {

Result<Composition> compose(ImageKind kind, Kernel& kernel, PrivateNamespace& workspace,
                            const CompositionRequest& request) {
  switch (kind) {
    case ImageKind::composefs:
      return compose_composefs(kernel, workspace, request);
  }
  return fail(Code::mount_failed, "there is no such kind of image");
}

}  // namespace cfs
