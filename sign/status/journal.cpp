// SPDX-License-Identifier: Apache-2.0
#include "cfs/status/journal.hpp"

#include <sys/syslog.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include <string>
#include <utility>
#include <vector>

#include "cfs/base/text.hpp"

namespace cfs {

namespace {

// The fields as a whole rather than by format strings: values are data.
Result<> send(const std::vector<std::string>& fields) {
  std::vector<iovec> parts;
  parts.reserve(fields.size());
  for (const std::string& field : fields) {
    parts.push_back({.iov_base = const_cast<char*>(field.data()), .iov_len = field.size()});
  }
  const int sent = ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  return sent < 0 ? fail_errno(Code::io_error, "write to the journal", -sent) : Result<>();
}

std::vector<std::string> entry(const char* message_id, int priority, std::string_view message,
                               const BootReport& report) {
  return {cat("MESSAGE=", message),
          cat("MESSAGE_ID=", message_id),
          cat("PRIORITY=", priority),
          "SYSLOG_IDENTIFIER=composefs-root",
          cat("COMPOSEFS_IMAGE=", report.image_id),
          cat("COMPOSEFS_VERSION=", report.version),
          cat("COMPOSEFS_SECURITY_VERSION=", report.security_version),
          cat("COMPOSEFS_DIGEST=", report.digest),
          cat("COMPOSEFS_MANIFEST=", report.manifest),
          cat("COMPOSEFS_SLOT=", report.slot)};
}

}  // namespace

Result<> write_journal(const BootReport& report, const Result<>& check) {
  for (const BootReport::Refused& refused : report.refused) {
    auto fields = entry(message_fell_back, LOG_WARNING,
                        cat("Manifest ", printable(refused.manifest), " of slot ", printable(refused.slot),
                            " was refused: ", refused.code, ": ", printable(refused.reason)),
                        report);
    fields.push_back(cat("COMPOSEFS_REFUSED_MANIFEST=", refused.manifest));
    fields.push_back(cat("COMPOSEFS_REFUSED_SLOT=", refused.slot));
    fields.push_back(cat("COMPOSEFS_REFUSED_CODE=", refused.code));
    CFS_TRY(send(fields));
  }
  if (!check) {
    return send(entry(message_not_as_recorded, LOG_ERR,
                      cat("The root is not as the boot recorded it: ", check.error().what()), report));
  }
  auto fields = entry(
      message_verified, LOG_NOTICE,
      cat("The root is image ", report.image_id, ' ', report.version, ", verified (", report.digest, ')'),
      report);
  for (const std::string& signer : report.signers) {
    fields.push_back(cat("COMPOSEFS_SIGNER=", signer));
  }
  return send(fields);
}

}  // namespace cfs
