/* The half of the guard's tests that is about the host and the sandboxes. */
#ifndef SBX_TEST_GUARD_SELF_H
#define SBX_TEST_GUARD_SELF_H

void test_self_spellings(void **state);
void test_self_beats_allow(void **state);
void test_self_is_counted(void **state);
void test_ten_thousand_selfs(void **state);

#endif
