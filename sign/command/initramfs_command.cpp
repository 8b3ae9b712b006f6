// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "cfs/base/file.hpp"
#include "cfs/base/text.hpp"
#include "cfs/initramfs/disk_drivers.hpp"
#include "cfs/initramfs/initramfs.hpp"
#include "cfs/initramfs/inner_archive.hpp"
#include "cfs/tool/output_file.hpp"
#include "cfs/tool/source_date.hpp"
#include "cfs/tool/uuid.hpp"
#include "command/command.hpp"
#include "command/print.hpp"

namespace cfs {

namespace {

struct InitramfsOptions {
  std::string policy;
  std::string keys;
  std::string modules;  // ROOTFS/lib/modules/KVER; empty: none, with an inner archive
  std::string inner;    // an initrd with systemd to start after this program has decided; "-": standard input
  std::string output;   // "-": standard output
  std::string program;  // composefs-root; empty: the installed one, or the one built beside cfs-sign
  std::vector<std::string> required;  // modules to include besides those always needed
  std::vector<std::string> left_out;  // modules that others only ask for
  bool strip_module_signatures = false;
  bool json = false;  // not with standard output
  Compression compression = Compression::zstd;
};

// Where the program lies, seen from the directory of cfs-sign: in a build tree, installed, side by side.
constexpr std::array program_places{"../initrd/composefs-root", "../lib/composefs-root/composefs-root",
                                    "composefs-root"};

Result<std::string> find_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : program_places) {
    const auto program = (self / place).lexically_normal();
    if (std::filesystem::is_regular_file(program, error)) {
      return program.string();
    }
  }
  return fail(Code::not_found, cat("no composefs-root is installed beside ", printable(self.string()),
                                   ": name it with --program"));
}

// What was written, where that can be read.
struct Written {
  std::size_t size;
  std::string sha256;
};

Result<std::optional<Written>> read_back(const Fd& file) {
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) {
    return fail_errno(Code::io_error, "look at the initramfs");
  }
  if (!S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  const std::string bytes = CFS_TRY(read_all(file, SIZE_MAX));
  const std::string hash = CFS_TRY(sha256(bytes));
  return Written{bytes.size(), to_hex({reinterpret_cast<const unsigned char*>(hash.data()), hash.size()})};
}

std::string text(const std::string& path, const std::optional<Written>& written) {
  std::string out = line("initramfs", printable(path));
  if (written) {
    out += cat(line("size", cat(written->size, " bytes")), line("sha256", written->sha256));
  }
  return out;
}

Json json(const std::string& path, const std::optional<Written>& written) {
  return Json::object()
      .text("initramfs", path)
      .raw("size", written ? cat(written->size) : "null")
      .raw("sha256", written ? json_quote(written->sha256) : "null");
}

// The kernel looks for the next archive where four bytes begin.
void pad(std::string& early) {
  early.resize((early.size() + 3) / 4 * 4);
}

Result<> run(const InitramfsOptions& options) {
  if (options.json && options.output == "-") {
    return fail(Code::usage, "--json needs -o FILE: the initramfs itself goes to standard output");
  }
  if (options.modules.empty() && (options.inner.empty() || !options.required.empty())) {
    return fail(Code::usage,
                "name the kernel's modules with --modules: only an initramfs with --inner can do without");
  }
  const std::uint32_t mtime = CFS_TRY(source_date()).value_or(0);
  InnerArchive inner;
  if (!options.inner.empty()) {
    inner = CFS_TRY(load_inner_archive(options.inner));
    pad(inner.early);
  }
  const Policy policy = CFS_TRY(load_policy(options.policy));
  const std::string warning = options.modules.empty()
                                  ? disk_driver_warning(inner.bytes, policy)
                                  : CFS_TRY(check_disk_drivers(options.modules, options.required, policy));
  if (!warning.empty()) {
    note(cat("warning: ", warning));
  }
  const std::string program = options.program.empty() ? CFS_TRY(find_program()) : options.program;
  const Cpio initramfs = CFS_TRY(make_initramfs({
      .program = program,
      .policy = options.policy,
      .keys = options.keys,
      .modules = options.modules,
      .required = options.required,
      .left_out = options.left_out,
      .signatures = options.strip_module_signatures ? ModuleSignatures::stripped : ModuleSignatures::kept,
      .inner = std::move(inner.bytes),
  }));
  OutputFile output = CFS_TRY(OutputFile::open(options.output));
  CFS_TRY_IN(write_all(output.fd(), inner.early), printable(options.output));
  CFS_TRY_IN(initramfs.write(output.fd(), mtime, options.compression), printable(options.output));
  const auto made = output.is_standard_output() ? std::nullopt : CFS_TRY(read_back(output.fd()));
  CFS_TRY(output.commit());
  if (output.is_standard_output()) {
    return {};
  }
  return options.json ? print_json(json(options.output, made)) : print(text(options.output, made));
}

constexpr auto compression_words = std::to_array<Word<Compression>>(
    {{Compression::zstd, "zstd"}, {Compression::gzip, "gzip"}, {Compression::none, "none"}});

}  // namespace

void add_initramfs(CLI::App& app, Action& action) {
  auto options = std::make_shared<InitramfsOptions>();
  auto* command = add_command(app, action, "initramfs",
                              "Make an initramfs that boots what a policy and its keys accept", options, run);
  command->add_option("--policy", options->policy, "The device's policy")->type_name("FILE")->required();
  command->add_option("--keys", options->keys, "Directory with the public keys that may sign, *.pub")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--modules", options->modules,
                   "The kernel's modules: ROOTFS/lib/modules/RELEASE. Needed without --inner")
      ->type_name("DIR");
  command
      ->add_option(
          "--inner", options->inner,
          "An initrd with systemd, to be unpacked and started when policy and command line were accepted; "
          "- is standard input")
      ->type_name("FILE");
  command
      ->add_option("-o,--output", options->output,
                   "The initramfs to write: a newc cpio archive; - is standard output")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--program", options->program,
                   "The composefs-root program (default: the one installed, or built, beside this program)")
      ->type_name("FILE");
  command
      ->add_option("--module", options->required,
                   "Module that the store's device needs, such as virtio_blk. May be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--without-module", options->left_out,
                   "Module to leave out that another asks for, but does not need. May be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  command->add_option("--compress", options->compression, "zstd (the default), gzip or none")
      ->type_name("NAME")
      ->transform(WordOf(compression_words), "");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--strip-module-signatures", options->strip_module_signatures,
                    "Leave the modules' signatures out, for kernels that do not demand them");
}

}  // namespace cfs
