// SPDX-License-Identifier: Apache-2.0
#include "cfs/base/json.hpp"

#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

namespace cfs {
namespace {

using Layout = Json::Layout;

TEST(JsonQuote, EscapesWhatCouldEndTheString) {
  EXPECT_EQ(json_quote("plain"), "\"plain\"");
  EXPECT_EQ(json_quote("a\"b\\c\n\x7f"), "\"a\\\"b\\\\c\\u000a\\u007f\"");
}

TEST(Json, IsLaidOutAsItsCallerWants) {
  const auto object = [](Layout layout) {
    return Json::object(layout)
        .text("a", "x")
        .number("b", -2)
        .boolean("c", true)
        .boolean("d", false)
        .raw("e", "[]")
        .str();
  };
  EXPECT_EQ(object(Layout::compact), R"({"a":"x","b":-2,"c":true,"d":false,"e":[]})");
  EXPECT_EQ(object(Layout::spaced), R"({"a": "x", "b": -2, "c": true, "d": false, "e": []})");
  EXPECT_EQ(object(Layout::lines), "{\n\"a\":\"x\",\n\"b\":-2,\n\"c\":true,\n\"d\":false,\n\"e\":[]\n}");
}

TEST(Json, IsShortWhenThereIsNothingInIt) {
  for (const Layout layout : {Layout::compact, Layout::spaced, Layout::lines}) {
    EXPECT_EQ(Json::object(layout).str(), "{}");
    EXPECT_EQ(Json::array(layout).str(), "[]");
  }
}

TEST(Json, EscapesNamesToo) {
  EXPECT_EQ(Json::object().text("user.\"\n", "v").str(), "{\"user.\\\"\\u000a\":\"v\"}");
}

TEST(Json, IsReadAsWhatWasWritten) {
  const std::string text = Json::object(Layout::spaced)
                               .raw("list", Json::array().item("1").item(json_quote("\\")).str())
                               .number("largest", UINT64_MAX)
                               .str();
  EXPECT_EQ(nlohmann::json::parse(text), nlohmann::json({{"list", {1, "\\"}}, {"largest", UINT64_MAX}}));
}

TEST(JsonStrings, TakesAnyStrings) {
  EXPECT_EQ(json_strings(std::vector<std::string>{"a", "\""}), R"(["a","\""])");
  EXPECT_EQ(json_strings(std::array<std::string_view, 2>{"a", "b"}, Layout::lines), "[\n\"a\",\n\"b\"\n]");
  EXPECT_EQ(json_strings(std::vector<std::string>()), "[]");
}

}  // namespace
}  // namespace cfs
