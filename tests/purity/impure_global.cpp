int counted = 0;
int impure() { return ++counted; }
