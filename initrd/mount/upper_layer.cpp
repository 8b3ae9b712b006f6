// SPDX-License-Identifier: Apache-2.0
#include "cfs/mount/upper_layer.hpp"

#include "cfs/base/directory_tree.hpp"

namespace cfs {

Result<Fd> make_upper(const Fd& place, const std::string& name, const Fd& lower) {
  Fd layers = CFS_TRY(make_directory(place, name, 0700));
  CFS_TRY(copy_attributes(lower, CFS_TRY(make_directory(layers, "upper", 0700))));
  CFS_TRY(make_directory(layers, "work", 0700));
  return layers;
}

}  // namespace cfs
