// SPDX-License-Identifier: Apache-2.0
// UEFI firmware whose variables someone has set.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cfs::test {

// A variable of systemd's (https://systemd.io/BOOT_LOADER_INTERFACE), which holds a text.
struct EfiVariable {
  std::string name;
  std::string text;  // ASCII
};

// The name of the file by which efivarfs shows it.
[[nodiscard]] std::string efivarfs_name(std::string_view name);

// Makes `file`, for MachineOptions::efi_variables, with these variables, as one who can write to the flash
// would (VARIABLE_STORE_HEADER and AUTHENTICATED_VARIABLE_HEADER of EDK II's VariableFormat.h). Throws
// std::runtime_error.
void make_efi_variables(const std::filesystem::path& file, const std::vector<EfiVariable>& variables);

}  // namespace cfs::test
