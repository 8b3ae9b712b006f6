// SPDX-License-Identifier: Apache-2.0
#include "cfs/input/contents.hpp"

#include <string>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/image/fsverity.hpp"
#include "cfs/stores/store_writer.hpp"

namespace cfs {

Result<> set_contents(Inode& inode, std::uint64_t size, std::string_view bytes, const Fd& file,
                      const ScanOptions& options) {
  if (size <= inline_max) {
    inode.content = std::string(bytes);
    return {};
  }
  const Digest digest =
      CFS_TRY(bytes.empty() ? compute_verity(file, size, options.hash) : compute_verity(bytes, options.hash));
  if (options.store != nullptr) {
    CFS_TRY(options.store->put(digest, file, size, bytes));
  }
  inode.content = ExternalFile{digest, size};
  return {};
}

Result<> set_target(Inode& inode, std::string_view target) {
  if (target.empty() || target.size() > link_target_max) {
    return fail(Code::unsupported_input,
                cat("the link's target is empty or longer than ", link_target_max, " bytes"));
  }
  inode.content = std::string(target);
  return {};
}

}  // namespace cfs
