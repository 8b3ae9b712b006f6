// SPDX-License-Identifier: Apache-2.0
#include "cfs/kernel/kernel.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include "cfs/base/text.hpp"

namespace cfs {

Result<> Kernel::load_module(const Fd& module) {
  if (::syscall(SYS_finit_module, module.get(), "", 0) == 0 || errno == EEXIST || errno == ENODEV) {
    return {};
  }
  // EPERM: lockdown. EKEYREJECTED: module.sig_enforce, or a signature that does not match.
  if (errno == EPERM || errno == EKEYREJECTED) {
    return fail_errno(Code::module_refused, "the kernel demands a module signature that it trusts");
  }
  return fail_errno(Code::module_failed, "finit_module");
}

}  // namespace cfs
