// SPDX-License-Identifier: Apache-2.0
// The signature that Linux's build appends to a kernel module (its include/linux/module_signature.h):
//
//   module | signature, PKCS #7 | struct module_signature, 12 bytes | "~Module signature appended~\n"
//
// The kernel checks it over all bytes before it; nothing in the module points there.
#pragma once

#include <string>

#include "cfs/base/result.hpp"

namespace cfs {

// Removes it; a module that has several, one after the other, loses them all, and one without stays as it is.
// Code::module_failed for a trailer that the kernel would not take for a signature: its lengths do not fit
// the file, or it is of another kind.
[[nodiscard]] Result<> strip_module_signature(std::string& module);

}  // namespace cfs
