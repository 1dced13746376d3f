import assert from "node:assert/strict";
import { test } from "node:test";
import { HeaderList } from "../http/header-list.ts";
import { answersQuestion, isNotModified, questionOf, rangeHolds } from "./conditional.ts";

type Fields = Readonly<Record<string, string>>;

const OLD = "Thu, 01 Jan 2026 00:00:00 GMT";
const NEW = "Fri, 02 Jan 2026 00:00:00 GMT";
const TAG = { etag: '"a"' };
const WEAK = { etag: 'W/"a"' };
const none = (value: string) => ({ "if-none-match": value });
const since = (value: string) => ({ "if-modified-since": value });

// biome-ignore format: a table
const cases: readonly [name: string, request: Fields, stored: Fields, want: boolean][] = [
  ["no condition",                             {},                    TAG,  false],
  ["the tag",                                  none('"a"'),           TAG,  true],
  ["another",                                  none('"b"'),           TAG,  false],
  ["one of several",                           none('"x","a" , "y"'), TAG,  true],
  ["a comma within a tag",                     none('"x,a"'),         { etag: '"x,a"' }, true],
  ["weak there (§8.8.3.2)",                    none('"a"'),           WEAK, true],
  ["weak here",                                none('W/"a"'),         TAG,  true],
  ["w/ in small is no weakness",               none('w/"a"'),         WEAK, false],
  ["a star",                                   none("*"),             {},   true],
  ["nothing to compare with",                  none('"a"'),           {},   false],
  ["unquoted, and so not the same",            none("a"),             TAG,  false],
  ["a date beside a tag is ignored (§13.1.3)", { ...none('"b"'), ...since(NEW) }, { ...TAG, "last-modified": OLD }, false],
  ["the same date",                            since(OLD),            { "last-modified": OLD }, true],
  ["modified before",                          since(NEW),            { "last-modified": OLD }, true],
  ["modified after",                           since(OLD),            { "last-modified": NEW }, false],
  ["by Date, if need be (RFC 9111 §4.3.2)",    since(NEW),            { date: OLD }, true],
  ["what is no date",                          since("yesterday"),    { "last-modified": OLD }, false],
  ["an older form of date",                    since("Thursday, 01-Jan-26 00:00:00 GMT"), { "last-modified": OLD }, true],
];
for (const [name, request, stored, want] of cases) {
  test(`isNotModified (RFC 9110 §13): ${name}`, () => {
    const nowMs = Date.UTC(2026, 1, 1);

    assert.equal(isNotModified(HeaderList.of(request), HeaderList.of(stored), nowMs), want);
  });
}

// biome-ignore format: a table
const ranges: readonly [name: string, condition: string | undefined, stored: Fields, want: boolean][] = [
  ["no condition",           undefined, TAG,  true],
  ["the tag",                '"a"',     TAG,  true],
  ["another",                '"b"',     TAG,  false],
  ["weak there",             '"a"',     WEAK, false],
  ["weak on both sides",     'W/"a"',   WEAK, false],
  ["the date, made later",   OLD,       { "last-modified": OLD, date: NEW }, true],
  ["made at the same time",  OLD,       { "last-modified": OLD, date: OLD }, false],
  ["another date",           NEW,       { "last-modified": OLD, date: NEW }, false],
];
for (const [name, condition, stored, want] of ranges) {
  test(`rangeHolds (RFC 9110 §13.1.5): ${name}`, () => {
    const request = condition === undefined ? {} : { "if-range": condition };

    assert.equal(rangeHolds(HeaderList.of(request), HeaderList.of(stored)), want);
  });
}

// biome-ignore format: a table
const answers: readonly [name: string, stored: Fields, answer: Fields, want: boolean][] = [
  ["the tag",                        TAG,                         TAG,  true],
  ["the tag, weak by now",           TAG,                         WEAK, true],
  ["another tag",                    TAG,                         { etag: '"b"' }, false],
  ["a tag that was never asked for", { "last-modified": OLD },    TAG,  false],
  ["nothing named",                  TAG,                         {},   true],
  ["the date",                       { "last-modified": OLD },    { "last-modified": OLD }, true],
  ["another date",                   { "last-modified": OLD },    { "last-modified": NEW }, false],
];
for (const [name, stored, answer, want] of answers) {
  test(`answersQuestion (RFC 9111 §4.3.4): ${name}`, () => {
    assert.equal(answersQuestion(questionOf(HeaderList.of(stored))!, HeaderList.of(answer)), want);
  });
}

test("questionOf: without a validator there is nothing to ask by", () => {
  assert.equal(questionOf(HeaderList.of({ date: OLD })), undefined);
});
