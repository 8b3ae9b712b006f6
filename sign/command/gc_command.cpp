#include <string>
#include <string_view>

#include "cfs/base/text.hpp"
#include "cfs/boot/report.hpp"
#include "cfs/stores/store_gc.hpp"
#include "command/commands.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

// Objects are only counted: people know the others by name.
std::string text(const Garbage& garbage, bool dry_run) {
  std::string out;
  for (const std::string& path : garbage.paths) {
    if (!path.starts_with("objects/")) {
      out += cat(dry_run ? "would remove " : "removed ", printable(path), '\n');
    }
  }
  return cat(out, dry_run ? "would free " : "freed ", garbage.bytes, " bytes: ", garbage.objects,
             " objects; ", garbage.objects_kept, dry_run ? " would stay\n" : " stay\n");
}

std::string json(const Garbage& garbage, bool dry_run) {
  std::string out =
      cat("{\"dry-run\":", dry_run ? "true" : "false", ",\"bytes\":", garbage.bytes,
          ",\"objects\":", garbage.objects, ",\"objects-kept\":", garbage.objects_kept, ",\"removed\":[");
  std::string_view separator = "\n";
  for (const std::string& path : garbage.paths) {
    out += cat(separator, json_quote(path));
    separator = ",\n";
  }
  return cat(out, garbage.paths.empty() ? "]}\n" : "\n]}\n");
}

}  // namespace

Result<> gc_command(const GcOptions& options) {
  using Action = GarbageOptions::Action;
  const Garbage garbage = CFS_TRY(collect_garbage(
      options.store, {.keep = options.keep, .action = options.dry_run ? Action::report : Action::remove}));
  return print(options.json ? json(garbage, options.dry_run) : text(garbage, options.dry_run));
}

}  // namespace cfs
