// SPDX-License-Identifier: Apache-2.0
// What a boot did, as structured entries of the systemd journal.
#pragma once

#include "cfs/base/result.hpp"
#include "cfs/status/report_reader.hpp"

namespace cfs {

// MESSAGE_ID= of the entries: stable, see cfs-sign(1).
inline constexpr auto message_verified = "4ffbfa6affea4231a614e0b83eb5fae0";
inline constexpr auto message_fell_back = "73301aaba47646e3866390f3e47afebd";
inline constexpr auto message_not_as_recorded = "e3207c545c8f4dcaa1a77bb388fa171b";

// Sends one entry that says which image runs, or why the root is not the one recorded (`check`), and one for
// each manifest that was refused before. Code::io_error. Without a journal, succeeds and does nothing.
[[nodiscard]] Result<> write_journal(const BootReport& report, const Result<>& check);

}  // namespace cfs
