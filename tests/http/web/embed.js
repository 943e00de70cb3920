export const embed = 1;
