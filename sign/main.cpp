// cfs-sign: reads the command line into the options of one command, runs it, and reports its result.
#include <CLI/CLI.hpp>
#include <array>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <utility>

#include "cfs/base/text.hpp"
#include "command/commands.hpp"

namespace {

using cfs::Code;
using cfs::Error;
using cfs::Result;

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

using Action = std::function<Result<>()>;

// A subcommand whose options live as long as its action.
template <class Options>
CLI::App* add_command(CLI::App& app, Action& action, const std::string& name, const std::string& description,
                      const std::shared_ptr<Options>& options, Result<> (*run)(const Options&)) {
  CLI::App* command = app.add_subcommand(name, description);
  command->callback([&action, options, run] { action = [options, run] { return run(*options); }; });
  return command;
}

constexpr std::array algorithms{std::pair("ed25519", cfs::KeyAlgorithm::ed25519),
                                std::pair("ecdsa-p256", cfs::KeyAlgorithm::ecdsa_p256_sha256),
                                std::pair("ecdsa-p384", cfs::KeyAlgorithm::ecdsa_p384_sha384)};

constexpr std::array compressions{std::pair("zstd", cfs::Compression::zstd),
                                  std::pair("gzip", cfs::Compression::gzip),
                                  std::pair("none", cfs::Compression::none)};

// A word becomes the number that CLI11 reads an enumeration from.
template <class Words>
std::string number_of(const Words& words, const std::string& word, const std::string& all) {
  for (const auto& [known, value] : words) {
    if (word == known) {
      return std::to_string(static_cast<unsigned>(value));
    }
  }
  throw CLI::ValidationError(word + " is not " + all);
}

std::string algorithm_number(const std::string& word) {
  return number_of(algorithms, word, "ed25519, ecdsa-p256 or ecdsa-p384");
}

std::string compression_number(const std::string& word) {
  return number_of(compressions, word, "zstd, gzip or none");
}

std::string hash_number(const std::string& word) {
  if (word != "sha256" && word != "sha512") {
    throw CLI::ValidationError(word + " is not sha256 or sha512");
  }
  return std::to_string(
      static_cast<unsigned>(word == "sha256" ? cfs::HashAlgorithm::sha256 : cfs::HashAlgorithm::sha512));
}

std::string format_number(const std::string& word) {
  if (word != "v0" && word != "v1") {
    throw CLI::ValidationError(word + " is not v0 or v1");
  }
  return word.substr(1);
}

// CLI11 would take "-1" for a very large number.
std::string check_number(const std::string& word) {
  return cfs::parse_decimal<std::uint64_t>(word) ? "" : word + " is not a number from 0 up";
}

void add_keygen(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::KeygenOptions>();
  auto* command = add_command(app, action, "keygen",
                              "Make a signing key: PREFIX.key (private, PEM, mode 0600) and PREFIX.pub",
                              options, cfs::keygen_command);
  command->add_option("--algorithm", options->algorithm, "ed25519 (the default), ecdsa-p256 or ecdsa-p384")
      ->type_name("NAME")
      ->transform(algorithm_number, "");
  command->add_flag("--force", options->force, "Replace the files if they are there");
  command->add_option("PREFIX", options->prefix, "Path of the files, without .key and .pub")->required();
}

void add_compose(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::ComposeOptions>();
  auto* command = add_command(app, action, "compose",
                              "Turn a root directory, a tar archive or a container image into an image in a "
                              "store, and print its digest",
                              options, cfs::compose_command);
  auto* output = command->add_option_group("Result");
  output->require_option(1);
  output->add_option("--store", options->store, "Store directory; made if it is not there")->type_name("DIR");
  output->add_flag("--digest-only", options->digest_only, "Only print the digest, and write nothing");
  command
      ->add_option("--format", options->format,
                   "Version of the image's format: v0 or v1 (default: as mkcomposefs, v1 only where there "
                   "are whiteouts)")
      ->type_name("NAME")
      ->transform(format_number, "");
  command->add_option("--hash", options->hash, "What digests are made with: sha256 (the default) or sha512")
      ->type_name("NAME")
      ->transform(hash_number, "");
  auto* input = command->add_option_group("Input");
  input->require_option(1);
  input
      ->add_option("--from-dump", options->dump,
                   "Text that describes the tree, as composefs-dump(5); - for standard input")
      ->type_name("FILE");
  input->add_option("ROOTFS", options->root,
                    "A root directory; a tar archive, compressed or not, - for standard input; or "
                    "an OCI image layout, DIR or oci:DIR[:TAG]");
  command
      ->add_option("--platform", options->platform, "Which image of an OCI image index, such as linux/arm64")
      ->type_name("OS/ARCH");
  command
      ->add_option("--exclude", options->exclude,
                   "Leave out what matches: *.pyc, var/cache/*. '*' matches '/' too. May be repeated")
      ->type_name("PATTERN")
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false);  // the next word may be ROOTFS
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--owner-root", options->owner_root, "Give everything to user and group 0");
  command
      ->add_option("--mtime", options->mtime,
                   "Turn later times into this one, in seconds since 1970 (default: SOURCE_DATE_EPOCH)")
      ->type_name("SECONDS")
      ->check(check_number, "");
  command
      ->add_option("--selinux", options->selinux,
                   "Label everything as these file contexts of an SELinux policy say")
      ->type_name("FILE");
}

void add_manifest(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::ManifestOptions>();
  auto* command = add_command(app, action, "manifest",
                              "Describe an image of a store in a manifest, and print the manifest's path",
                              options, cfs::manifest_command);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("--image-id", options->image_id, "What the devices' policy has as its image-id")
      ->type_name("ID")
      ->required();
  command->add_option("--version", options->version, "Version, for people")->type_name("TEXT")->required();
  command
      ->add_option("--security-version", options->security_version,
                   "Number that devices compare with their floor, to refuse images that are too old")
      ->type_name("N")
      ->check(check_number, "")
      ->required();
  command->add_option("--name", options->name, "Name of the manifest (default: ID-VERSION)")
      ->type_name("NAME");
  command->add_option("--etc", options->etc, "What happens to /etc: transient (default), overlay or none")
      ->type_name("MODE");
  command->add_option("--var", options->var, "What happens to /var: bind (default), transient or none")
      ->type_name("MODE");
  command
      ->add_option(
          "--init", options->init,
          "Program that init= may name; the first is the default. May be repeated (default: /sbin/init)")
      ->type_name("PATH")
      ->expected(1)
      ->take_all();
  command
      ->add_option(
          "--complete", options->complete,
          "Directory or file of the image that must be readable in full before a device accepts it. May be "
          "repeated; none for none (default: the usual places for configuration)")
      ->type_name("PATH")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--kernel-min", options->kernel_min,
                   "Lowest Linux version that boots it, or none (default: 6.12.55)")
      ->type_name("VERSION");
  command
      ->add_option("--kernel-release", options->kernel_release,
                   "The one kernel release that boots it, as uname -r prints it")
      ->type_name("RELEASE");
  command
      ->add_option("--annotation", options->annotations,
                   "A note, kept and never interpreted. May be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_option("DIGEST", options->digest, "Digest of the image, as cfs-sign compose prints it")
      ->required();
}

void add_sign(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::SignOptions>();
  auto* command = add_command(app, action, "sign",
                              "Sign a manifest: adds the keys' lines to MANIFEST.sig, or replaces them",
                              options, cfs::sign_command);
  command->add_option("--key", options->keys, "Private key, PEM. May be repeated")
      ->type_name("FILE")
      ->expected(1)
      ->take_all()
      ->required();
  command->add_option("MANIFEST", options->manifest, "The manifest, NAME.toml")->required();
}

void add_slot(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::SlotOptions>();
  auto* command = add_command(app, action, "slot", "Show which manifest a slot of a store holds, or set it",
                              options, cfs::slot_command);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("SLOT", options->slot, "next, current or previous")->required();
  command->add_option("NAME", options->name, "Name of a signed manifest (without: show)");
}

void add_verify(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::VerifyOptions>();
  auto* command = add_command(app, action, "verify", "Decide which image a device would boot, and say why",
                              options, cfs::verify_command);
  command->add_option("--policy", options->policy, "The device's policy")->type_name("FILE")->required();
  command->add_option("--keys", options->keys, "Directory with the device's public keys, *.pub")
      ->type_name("DIR")
      ->required();
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("--cmdline", options->cmdline, "Kernel command line to assume (default: an empty one)")
      ->type_name("TEXT");
  command->add_flag("--objects", options->objects, "Hash every object of the store as well");
}

void add_disk(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::DiskOptions>();
  auto* command =
      add_command(app, action, "disk", "Make a disk image of a store, its objects sealed with fs-verity",
                  options, cfs::disk_command);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("-o,--output", options->output, "The disk image to write")
      ->type_name("FILE")
      ->required();
  command
      ->add_option(
          "--size", options->size,
          "Size of the disk in bytes, or with K, M, G or T (powers of 1024); as small as the store needs "
          "by default")
      ->type_name("SIZE");
  command
      ->add_option("--state-size", options->state_size, "Size of the state partition, likewise; 0 for none")
      ->type_name("SIZE");
  command
      ->add_option(
          "--profile", options->profile,
          "A boot profile to put into the store, as profile apply does: the objects it names come first")
      ->type_name("FILE");
  command->add_flag("--raw", options->raw, "Write only the store's file system, without partitions");
}

void add_initramfs(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::InitramfsOptions>();
  auto* command =
      add_command(app, action, "initramfs", "Make an initramfs that boots what a policy and its keys accept",
                  options, cfs::initramfs_command);
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
      ->transform(compression_number, "");
  command->add_flag("--strip-module-signatures", options->strip_module_signatures,
                    "Leave the modules' signatures out, for kernels that do not demand them");
}

void add_inspect(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::InspectOptions>();
  auto* command =
      add_command(app, action, "inspect", "Print what an image holds, as a dump that compose takes", options,
                  cfs::inspect_command);
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("IMAGE", options->image, "The image: a file, such as an object of a store")->required();
}

void add_diff(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::DiffOptions>();
  auto* command =
      add_command(app, action, "diff",
                  "Print what is different in image B from image A, and what has to be shipped for it",
                  options, cfs::diff_command);
  command->add_flag("--json", options->json, "Print JSON");
  command->add_option("A", options->before, "The image that is there: a file")->required();
  command->add_option("B", options->after, "The image that will be: a file")->required();
}

void add_fsck(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::FsckOptions>();
  auto* command = add_command(
      app, action, "fsck", "Check that every object of a store is what its name says, and every image whole",
      options, cfs::fsck_command);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_flag("--json", options->json, "Print JSON");
}

void add_gc(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::GcOptions>();
  auto* command =
      add_command(app, action, "gc", "Remove what no manifest needs that is in a slot or kept by name",
                  options, cfs::gc_command);
  command->add_option("--store", options->store, "Store directory")->type_name("DIR")->required();
  command->add_option("--keep", options->keep, "Name of a manifest to keep as well. May be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->take_all();
  command->add_flag("--dry-run", options->dry_run, "Remove nothing: only print what would go");
  command->add_flag("--json", options->json, "Print JSON");
}

void add_status(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::StatusOptions>();
  auto* command =
      add_command(app, action, "status", "Say which image this system runs, and whether it still does",
                  options, cfs::status_command);
  auto* json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--journal", options->journal, "Write to the systemd journal instead of printing")
      ->excludes(json);
  command->add_option("--root", options->root, "Root directory of the system to look at (default: /)")
      ->type_name("DIR");
}

void add_boot_chart(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::BootChartOptions>();
  auto* command = add_command(app, action, "boot-chart", "Draw what this system's boot did when, as an SVG",
                              options, cfs::boot_chart_command);
  command->add_option("-o,--output", options->output, "The SVG to write (default: standard output)")
      ->type_name("FILE");
  command
      ->add_option("--root", options->root,
                   "Root directory of the system to look at, of which only the initrd's part is known then")
      ->type_name("DIR");
}

void add_profile(CLI::App& app, Action& action) {
  auto* profile =
      app.add_subcommand("profile", "Let boots read ahead what a boot of the same image has read");
  profile->require_subcommand(1);
  auto record_options = std::make_shared<cfs::ProfileRecordOptions>();
  auto* record =
      add_command(*profile, action, "record",
                  "On a running system: write the profile of what was read of the store since it booted",
                  record_options, cfs::profile_record_command);
  record->add_option("-o,--output", record_options->output, "The profile to write (default: standard output)")
      ->type_name("FILE");
  record
      ->add_option("--after", record_options->after,
                   "A profile recorded earlier in this boot: what it names comes first")
      ->type_name("FILE");
  auto apply_options = std::make_shared<cfs::ProfileApplyOptions>();
  auto* apply = add_command(*profile, action, "apply", "Put a profile where boots of its image find it",
                            apply_options, cfs::profile_apply_command);
  apply->add_option("--store", apply_options->store, "Store directory (default: the store of this system)")
      ->type_name("DIR");
  apply->add_option("PROFILE", apply_options->profile, "The profile: a file")->required();
}

void add_factory_reset(CLI::App& app, Action& action) {
  auto options = std::make_shared<cfs::FactoryResetOptions>();
  auto* command =
      add_command(app, action, "factory-reset", "Have the next boot throw away /etc, /var and machine id",
                  options, cfs::factory_reset_command);
  command
      ->add_option("--state", options->state,
                   "Where the file system with the state is mounted (default: the state of this system)")
      ->type_name("DIR");
  command->add_flag("--cancel", options->cancel, "Take it back, as long as there was no boot");
}

int report(const Error& error) {
  const std::string line = cfs::cat("cfs-sign: ", error.line(), '\n');
  static_cast<void>(std::fputs(line.c_str(), stderr));
  return error.code() == Code::usage ? exit_usage : exit_failed;
}

// Output that could not be written is a failure: the caller would take an empty digest for a result.
Result<> finish_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return cfs::fail_errno(Code::io_error, "write to standard output");
  }
  return {};
}

int run(int argc, char** argv) {
  CLI::App app("Makes, signs, verifies and ships images that boot with every byte verified.", "cfs-sign");
  app.set_version_flag("--version", "cfs-sign " CFS_VERSION);
  app.require_subcommand(1);
  app.get_formatter()->column_width(36);
  app.footer("Exit status: 0 done, 1 refused or failed, 2 wrong usage. See cfs-sign(1).");
  Action action;
  add_keygen(app, action);
  add_compose(app, action);
  add_manifest(app, action);
  add_sign(app, action);
  add_slot(app, action);
  add_verify(app, action);
  add_disk(app, action);
  add_initramfs(app, action);
  add_inspect(app, action);
  add_diff(app, action);
  add_fsck(app, action);
  add_gc(app, action);
  add_status(app, action);
  add_boot_chart(app, action);
  add_profile(app, action);
  add_factory_reset(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    app.exit(success);
    const auto written = finish_output();
    return written ? 0 : report(written.error());
  } catch (const CLI::ParseError& error) {
    return report({Code::usage, cfs::printable(error.what())});
  }
  auto result = action();
  if (result) {
    result = finish_output();
  }
  return result ? 0 : report(result.error());
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away shows as a failed write, which is reported.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {  // out of memory, and what libraries throw past their own boundary
    return report({Code::io_error, cfs::printable(error.what())});
  }
}
