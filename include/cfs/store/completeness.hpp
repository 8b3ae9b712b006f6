// SPDX-License-Identifier: Apache-2.0
// Whether all that an image promises can be read: systemd, and most others, take a unit, a drop-in or a rule
// that cannot be read for one that is not there.
//
// The question is put to the composed root itself, as every later reader will: opening a file has overlayfs
// find its object and compare the object's fs-verity digest with the image's (verity=require), and reading
// has fs-verity check the bytes. What was found stays in the kernel's memory for the boot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "cfs/base/digest.hpp"
#include "cfs/base/fd.hpp"
#include "cfs/base/result.hpp"
#include "cfs/trust/verify.hpp"

namespace cfs {

// How much of each file is read, but of an ELF file, which is not read: configuration is shorter, and a
// program whose bytes are wrong fails when it runs, and loudly.
inline constexpr std::size_t completeness_read_bytes = 64UL * 1024;

// Hard limits of a walk: no honest image comes near.
inline constexpr int completeness_deepest = 128;             // levels of directories
inline constexpr std::size_t completeness_most = 1UL << 22;  // entries

// Says why the file at this path in the image ("/etc/fstab") cannot be opened; nothing wrong where it knows
// no reason.
using ExplainUnreadable = std::function<Result<>(const std::string& path)>;

// What becomes of a file's bytes in memory: a boot will need them, a check of the running system leaves the
// memory of files that nobody had read as it was, but for what of the image itself the walk needs.
enum class AfterReading : std::uint8_t { keep, forget };

// Opens every file below the `places` (is_image_path(); each a directory or a file, and not through a
// symbolic link) of the composed root, and reads its first completeness_read_bytes, but not those of ELF
// files; lists every directory and reads every symbolic link, which lie in the image. Returns the number of
// files. The first that cannot be read ends the walk: its path and what `explain` says of it; without that
// what the kernel's answer means: Code::object_missing, Code::digest_mismatch, Code::object_damaged,
// Code::path_refused, Code::io_error. Code::manifest_malformed for a place that the image does not have;
// Code::image_malformed past a limit.
[[nodiscard]] Result<std::size_t> check_completeness(const Fd& root, std::span<const std::string> places,
                                                     const ExplainUnreadable& explain = nullptr,
                                                     AfterReading after = AfterReading::keep);

// Why a file of the mounted metadata image cannot be opened in the root that is composed of it and of
// `objects`: Code::object_missing, Code::path_refused, Code::verity_missing, Code::digest_mismatch,
// Code::io_error. Success where nothing is wrong with its object, or it needs none.
[[nodiscard]] Result<> check_object_of(const Fd& image, const Fd& objects, const std::string& path,
                                       const MeasureVerity& measure);

}  // namespace cfs
